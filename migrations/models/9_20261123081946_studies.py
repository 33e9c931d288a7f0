"""What is studied: subjects, protocols in versions, experiments, and the history of changes (store/study_models.py)."""

from tortoise import BaseDBAsyncClient

RUN_IN_TRANSACTION = True


async def upgrade(db: BaseDBAsyncClient) -> str:
    return """
        CREATE TABLE IF NOT EXISTS "change_history" (
    "id" BIGSERIAL NOT NULL PRIMARY KEY,
    "laboratory_id" UUID NOT NULL,
    "kind" VARCHAR(32) NOT NULL,
    "about" UUID NOT NULL,
    "version" INT NOT NULL,
    "time" TIMESTAMPTZ NOT NULL,
    "principal" VARCHAR(255) NOT NULL,
    "reason" TEXT,
    "changed" JSONB NOT NULL,
    "facts" JSONB NOT NULL,
    CONSTRAINT "uid_change_hist_about_d14b57" UNIQUE ("about", "version")
);
COMMENT ON TABLE "change_history" IS 'A version of a subject or an experiment: who made it, why, and what it is; append-only, written with what it tells of.';
        CREATE TABLE IF NOT EXISTS "experiment" (
    "id" UUID NOT NULL PRIMARY KEY,
    "laboratory_id" UUID NOT NULL,
    "name" VARCHAR(255) NOT NULL,
    "about" TEXT NOT NULL,
    "status" VARCHAR(32) NOT NULL,
    "stages" JSONB NOT NULL,
    "subjects" JSONB NOT NULL,
    "schedule" JSONB NOT NULL,
    "version" INT NOT NULL,
    "created_at" TIMESTAMPTZ NOT NULL,
    "updated_at" TIMESTAMPTZ NOT NULL,
    "created_by" VARCHAR(255) NOT NULL,
    "updated_by" VARCHAR(255) NOT NULL,
    CONSTRAINT "uid_experiment_laborat_858d72" UNIQUE ("laboratory_id", "name")
);
CREATE INDEX IF NOT EXISTS "idx_experiment_name" ON "experiment" ("name", "id");
COMMENT ON TABLE "experiment" IS 'A plan: which subjects go through which stages, when, and what leads from one to the next (study/plans.py).';
        CREATE TABLE IF NOT EXISTS "protocol_rehearsal" (
    "id" UUID NOT NULL PRIMARY KEY,
    "laboratory_id" UUID NOT NULL,
    "version_id" UUID NOT NULL,
    "time" TIMESTAMPTZ NOT NULL,
    "principal" VARCHAR(255) NOT NULL,
    "trials" INT NOT NULL,
    "subject_model" VARCHAR(32) NOT NULL,
    "seed" BIGINT NOT NULL,
    "parameters" JSONB NOT NULL,
    "sound" BOOL NOT NULL,
    "why_not" TEXT NOT NULL,
    "result" JSONB NOT NULL,
    "software" VARCHAR(32) NOT NULL
);
CREATE INDEX IF NOT EXISTS "idx_protocol_rehearsal" ON "protocol_rehearsal" ("version_id", "time", "id");
COMMENT ON TABLE "protocol_rehearsal" IS 'What a rehearsal of a version came to; append-only. `sound`: it may be armed on the strength of this one.';
        CREATE TABLE IF NOT EXISTS "protocol" (
    "id" UUID NOT NULL PRIMARY KEY,
    "laboratory_id" UUID NOT NULL,
    "name" VARCHAR(255) NOT NULL,
    "title" TEXT NOT NULL,
    "newest" INT NOT NULL,
    "created_at" TIMESTAMPTZ NOT NULL,
    "updated_at" TIMESTAMPTZ NOT NULL,
    "created_by" VARCHAR(255) NOT NULL,
    "updated_by" VARCHAR(255) NOT NULL,
    CONSTRAINT "uid_protocol_laborat_d5b606" UNIQUE ("laboratory_id", "name")
);
CREATE INDEX IF NOT EXISTS "idx_protocol_name" ON "protocol" ("name", "id");
COMMENT ON TABLE "protocol" IS 'A protocol by its name; what it says is in its versions. `newest`: the number of the latest.';
        CREATE TABLE IF NOT EXISTS "protocol_version" (
    "id" UUID NOT NULL PRIMARY KEY,
    "laboratory_id" UUID NOT NULL,
    "protocol_id" UUID NOT NULL,
    "number" INT NOT NULL,
    "schema_version" INT NOT NULL,
    "digest" VARCHAR(64) NOT NULL,
    "text" TEXT NOT NULL,
    "document" TEXT NOT NULL,
    "findings" JSONB NOT NULL,
    "note" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ NOT NULL,
    "created_by" VARCHAR(255) NOT NULL,
    CONSTRAINT "uid_protocol_ve_protoco_d07bb0" UNIQUE ("protocol_id", "number"),
    CONSTRAINT "uid_protocol_ve_protoco_324f6c" UNIQUE ("protocol_id", "digest")
);
COMMENT ON TABLE "protocol_version" IS 'A protocol as somebody wrote it (`text`) and as LICS reads it (`document`, of which `digest` is); never changed.';
        CREATE TABLE IF NOT EXISTS "subject" (
    "id" UUID NOT NULL PRIMARY KEY,
    "laboratory_id" UUID NOT NULL,
    "name" VARCHAR(255) NOT NULL,
    "species" VARCHAR(255) NOT NULL,
    "sex" VARCHAR(32) NOT NULL,
    "birth_date" DATE,
    "rfid" VARCHAR(64),
    "status" VARCHAR(32) NOT NULL,
    "daily" JSONB NOT NULL,
    "notes" TEXT NOT NULL,
    "version" INT NOT NULL,
    "created_at" TIMESTAMPTZ NOT NULL,
    "updated_at" TIMESTAMPTZ NOT NULL,
    "created_by" VARCHAR(255) NOT NULL,
    "updated_by" VARCHAR(255) NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS "uidx_subject_name_in_use" ON "subject" ("laboratory_id", "name") WHERE status <> 'retired';
CREATE UNIQUE INDEX IF NOT EXISTS "uidx_subject_rfid_in_use" ON "subject" ("laboratory_id", "rfid") WHERE status <> 'retired';
CREATE INDEX IF NOT EXISTS "idx_subject_name" ON "subject" ("name", "id");
COMMENT ON TABLE "subject" IS 'An animal. `daily`: what it is to get of fluid and food (study/subject_documents.py); a retired one leaves name and tag.';
        CREATE TABLE IF NOT EXISTS "subject_weight" (
    "id" UUID NOT NULL PRIMARY KEY,
    "laboratory_id" UUID NOT NULL,
    "subject_id" UUID NOT NULL,
    "time" TIMESTAMPTZ NOT NULL,
    "weight_g" DOUBLE PRECISION NOT NULL,
    "note" TEXT NOT NULL,
    "principal" VARCHAR(255) NOT NULL,
    "noted_at" TIMESTAMPTZ NOT NULL
);
CREATE INDEX IF NOT EXISTS "idx_subject_weight" ON "subject_weight" ("subject_id", "time", "id");
COMMENT ON TABLE "subject_weight" IS 'What a subject weighed; append-only.';"""


async def downgrade(db: BaseDBAsyncClient) -> str:
    return """
        DROP TABLE IF EXISTS "change_history";
        DROP TABLE IF EXISTS "protocol_rehearsal";
        DROP TABLE IF EXISTS "protocol_version";
        DROP TABLE IF EXISTS "experiment";
        DROP TABLE IF EXISTS "subject";
        DROP TABLE IF EXISTS "subject_weight";
        DROP TABLE IF EXISTS "protocol";"""


MODELS_STATE = (
    "eJztXW132zaW/is4+hJnj+Imzku7Ts/ssRN34hk37rGd6XS2cySIhCTUFMESoBVNt/99Af"
    "CdBClCliiKxpc2JnFJ6rkkcO9zX/DHYEFs5NDjM8sigctuyHJwCv4YuHCB+D8UZ4dgAD0v"
    "PScOMDhx5HAYjpODJpT50GL88BQ6FPFDNqKWjz2GiSsG35IFmhB7BZZzAhZwBSieuQC774"
    "GLHpAP+NURQ/YQUALYHDIAgXgsPoL/iQAMbMwApgA6S7ii8hgV5z3kU+I+o8fiMWxi8efA"
    "7qy1OwYu/j1AI0ZmiA/w+X3/99/8MHZt9BVR8ecfgylGji3/PbDm0J0hewTZQAxDXz0fUc"
    "ohorFkrAtsfx1FAI8iKQn+ypOnB1KaYy7/+FNIevcjeaecSrGUksdHseyXL5cff5AjBWST"
    "kUWcYOGmo70VmxM3GR4E2D4WMuLcDLnIhxy2jKbdwHGidyI+FMLCDzA/QAkednrARlMYOO"
    "J9GXw/DVxLvCZA3kn8581fokfLDBuNPl/fjW4v7kajQen1Eo9Q0H90yOLYcpiwywTEf/wZ"
    "XjcFRB4diBt8+HR2c/T63XMJAaFs5suTEq7Bn1IQMjhKtZmijBYQO2WgP8yhrwY6EShgzR"
    "91NyjHAO0A0sECfh05yJ2xOf/z1XcvazD+x9mNhJmPkjgTPmmEk8nn6NRJeE7gneLrEz5I"
    "A954/HbQjQ+k8KZzXOv4vj5pAO/rk0p0xak8uBEc4qlKEJ/j2aXL1CDn5QpQ43Bd2AXUr3"
    "aF80w8wYv/Pjl5/frbk5ev33339s2337797uV3fKx83PKpb2uUcX7518vPd3k9iAN59C0f"
    "CXzEilBC/yM/w/ACqfHPSxbwtyPR4/gfB/ji12B7d/njxe3d2Y8/icsvKP3dkXid3V2IMy"
    "fy6Kpw9Ohd4aNILgJ+vrz7BMSf4F/Xny+KC0Ay7u5fA/FMMGBk5JLlCNpZTOLD8SGlmicr"
    "nXksL9XD2ezk7dsG0xkfVTmfyXOFTyo1snQ/qZyk+aQ6/UnZmAqUN9FzQXQLio4MLqPn7e"
    "vZg5QuiW+P5pDOy5q+426QWsslwY0m0APS7MU/73JKjWfJox/P/vk8p9ir689/jYdnZtUP"
    "V9fnhck0AVH/KyuImq+sy1+ZRWxU8YXV2CdZoT58XXnr5N2bBsbJuzeVtok49WcZZfTVw1"
    "xzm9gnZXHzVXX5qxKUIzczsLuBsouyRtNd07RgXaf3GUZQHJhA634J+apXOkNOSNXY8qnF"
    "yaJ4BLpwJpUk0BTPGfP1DvQXAxWRL08Mazn8ZEgjBp/NuT5DttxFyKZDQHz5L8Gjw4gafw"
    "+IiwDxkAt8shQHASWBbyEAXRvc85ftGFwyCvzAQRRAX1LulBEffSMfZ0QZf4XpsbdSk/pt"
    "P8Sv7q/u+Dcu7EJnfCrCCRQB5DJ/Bfi7TJENMAMOpGyTiED4UEJQPNO6qEAgwwLy+cRPq4"
    "wIgJ8/XdxcAP4d8F8mDDBweQs+f7m6GsjpKXP/8BdEUwxe+wDp/UPBbcUk6ohGZVRCQTBG"
    "s1t3ifIWCcbqWEX6wjW18lIJw0A1Y6Dkp6yBcDy+h/i+etkoHvSyJh70shQPoiKAi5kWl5"
    "qV6SHO248LLfgSwA0OHcYlI9ILiNsmW3KLsY6vkBM0vHXnPIUcB5AYZdruf07S+IOd1nKc"
    "GpVXcKWRm4zvTSD95NWbb9989/rdm8S8TY7UWbXlELlwrTb4WjJi5lPp8qfiI8Z9683Wvb"
    "yo0XOX9Qyte37KQfZmwXmFuNH3wehbL/FFIdq/8NJukl/IYoFUlke115YR6QPIbTttdI6c"
    "h41mtLykmcy6PJnFutKbx/JSffi6WpjCYtC4Q6TKqm/2TSXC5rPq/mc18hGkqvzz6kWrJN"
    "iHj6vtpSsKapZxry4Ryog8ok7ocHBfUxXUlRQAD/8drarq+ZKTw9pUAA+P7pFcqNYnA5wB"
    "zyczHy6eUbCEK4DdIZisZJHc7aezFydv3wEyBZhRQJHFvfRyJH+jK2gG1+MCujCCnCmYaB"
    "LlDuEYZaocKwLdxYg6eiD32reJpGpuY2r89lrjl3+XmqKdl9om6gc7ZWYXIPl/DXs6Ht+L"
    "6OKuk03DeVM7qbcgZqBuArVFxDVKKP/t9vpzBcqJRNFBwRYD/wccTHcW+NnPtCCwqLdgi8"
    "ZqYf4QFyhasKZ8chNVHJybuHnK/Naz5Y2adxkJTExnTTXnJQ3n02Uty8B8sFmiU1HWaPow"
    "ND31yUKH3itLGn6vGb/XFUZKtE8aqNgoeWJYy0QlQ9byUD+HjZvCmg9ZCAJjXkkUdMCkW5"
    "Ps7TQENrbFIK4mZL8H/BGQa78grqMoNdnepUUByRmX4IY996oAWxJRk0IFv5V0lRrzs+NT"
    "/j/Kl7ExmKApETUpsgOVTVx+fVG3MidLcYxfGdnH4NpFYIn5ZxHwB3XFUa4GInteOfgB2Y"
    "ARwJDj8AcYu2N5gbGNZ4iKOwlmzXOglTS8sub8PQVHUQ2MUMFIHjr2Vs+PwZ2PZzP+g4GP"
    "poGof3lA/gqEDROqqDlBwEk98ge0CH8L/l1H1sXTdcMiFPmAsYwpQTmkEpTorWjOoamWek"
    "OexS+/jv0UyxhHqNOGk8d/qYU9VWiupt9FVqgXtF3b8VBoqdug1SWqVTRAO0zAW6jdYtDn"
    "FoLOe51K9ALjtl/q2PjSeKszIr2AfNelcvrpKyZv5VGvNHdGsNY8nUqYF7rRC70gTKv0M5"
    "UwL/QGhZ+I/2yqTi6owzwrZXDXxx35PvF1IE8EDNr6aIekVhnu6ih5KvGoKPnh4L6TIDmc"
    "MqR4y6thTwQM6pujzmHgUoz4K82csZKgSbQtZI3pkbdb7E/+ZMjbbJtdETBQIe5Cf6VGPJ"
    "UpwD5ZsTDp6cDs7ToUo+kgmTv41HF++fns5hf1UnmumD7Of7m7OOtO7O4DWfBzdkU6eebs"
    "sC6KZ4Xj5KAG+eTRcBmlWs5RGPyijP9JT2V8auyO2TzJCQ+7sw0K2nvMdTRzy230gC0Uzd"
    "DQspDHNPuoRU86Cq8ksWuUYP6om8XCNbczieZ7TTTPvVhNwc4JmUhZozTzai+vV2nmrQdR"
    "/JlWJnQ83uRBP8LZMAHDvbzr2EYLjzBlw4VzQhwE3arFMStYtJK5ZL/AP7++vsqBf35ZRP"
    "fLj+cXN0evpCb4IMwq/BFuRgaQqYotagHPihm4m8NtI2g72NVONMnKmWSTTiebFPwJHS0X"
    "RI2iO61o6eyWVVxTChgL9MI42HXQVKK1SRugjJz5gjr9BSmY5zZo531/OFtu6Ik8YilKku"
    "s4/ERkI0A7FgXZD5FvkpTa9Q39wNUk8VIJE/ErJI36GDqaaGZlDJ5dCy7dCqOnPsKUDBk2"
    "CDONElt1fbBJ1E3J4SIKBOOI0TMKHDxFa6rCNGWVVVHxI4fvpltfFpVj9qUJqBHtCU3LtQ"
    "EmUyfVyTqp/HvSdN7LS5lY0PrkEWPCa5vwJki59RfTsDM7ZWdMtWRvWRl+KYFNSbnVMedU"
    "wmS4bh50NtnzbfIJcjcEf0TR73o2eV7O8Geb8meGtWwL9Y4wFR9Dt1lBUHxMHOpqXiJ1up"
    "tkv4ajAaTAQ8RzEPDRjK9ByJe7C4fNX5J8VTFM/MGvSXy58zAf7hGfycGqpNhtXl5uh/yA"
    "fEE+jIFsb0vBUjTLia4dNoWxwZHItr24g7Pn72XirbzeMxpdjAIHwQeZnQsd4lY2kanjRq"
    "Ra1tAhcsvkyPMQx8SG6gGtZkOirZOhvcAu+P4v4JnPTTyO07NSHm6cJdgsATf3CCb9trPp"
    "t6Yl8W5395AAaeAbj+8hvtt3cm0fP6hK/arhTSV6CPD2Gz07xIK6PWKyMn1wfNrYAggxxh"
    "9Br6N2Rqb9XPLM0jcJsMOfhB6L2+5j9dtNp23owQl2MMN6jc6LckY1W1cNxfxrZCOFWn5w"
    "CKzaQCkjVNDJVEjtShuvXx6/bB/3j9dfzq8uwE83Fx8uby8jHSQkpjwpDqWZ0DcXZ1fFzH"
    "PhEuhM/IlAe0vrALlC3N7Vq71rA8bB7r3W2hqNbxFhMp3Gie2HiPAcQYdpbQiSSrSJ8v2h"
    "AkzhFDG9XSITiRYBFjc9VIgNFbsPAtwkkLYb8OlIPcEBaeHQAtchBJONSq+KskbTXdZ0FC"
    "8pK7lywcpItJeB9mq3C9bW0s/Mtl9P4qsJPHtDNecljZo7reb4m5xoeU15qR5GL3bCrMcf"
    "hh7WeSmDdTXWncpduXgQDUYqE1jC08P1WSwjlIxcm8tySxaIzTnygImckLmsiEE2kJsphZ"
    "eTmykxksk4ORJ4g7GDLXosj4yHYEzR72IjpPBSCEQ7zz+jgM8/WNzueTnVpfW7Kwt8yjU7"
    "wwwDEWXiyc9Ho/QnioM3LQHKam6UCGumnHQtaXqvRUGHv+SapnOPVbROzapJdNnpRjLiXS"
    "7jWx2IjsebjP9HZPyrifcdse6de6m3zGJop/I/Joe/o2A+nXTyHxyE2MeArQYKgzw9WWuO"
    "T8WwkR2Pa7Y9KnERmPMPOzSChekFbILoKaDIf0B5u9hHFvHtYzAWAmOx+Si3lG0ik8T5Mc"
    "dG/hgs4IpbxvywMI5VCeft3XZ9wnilbRuj2DhTMthmjHa/5e07yZKsti6FVnWgjsf3IWq4"
    "64zU8OvQQzeWMPiuxzdCQxm8qVur83LtLdm7Sq7bT84Bxa6lzUAkQob37xwJ0SVjTPKfFT"
    "2I8gMaGGVboEijjdhp4HELCQtmj0+2CDVnOesuoFlap7cbewYCsyd7hyfWahOta0yvmWa3"
    "Fl51+ZRVVm3N7hfR+F4QkW0n7d1jV2sPz3i8AXsDsM2uF3uB3SQCt4u3jRjEine8JtaRSJ"
    "hoh160o0v+ySdBg1X5Jp8ijmydXxJzaU26kEi6donZHEAgpeNt8sjSHQK4INzjoNzK96Fz"
    "DMZTxN1se3wqWnjcc+ODitFEOBf0PRin/AcfMSdLfpIhV4ydQwp+I5g7LKpWJXt5hkfQyP"
    "vtF/GkaGTsin0cVXxQTRuUjIxJUThwbnPH6ektc5vchROcis7kkRHpheW6a/JeNJoq41v5"
    "XsfD+xRg3162AlbuulbTkAOr91vbU8sHcb/etHwI7R7FrF23B14q1OIOeMmRg90Cb0ZU29"
    "/VIh2LGJx1thoUN9ysFjInaSohu8xGx7rSK0DJS/WBRGqh1qey6LQa5+qq0z4YmNvvRBFy"
    "CBtMWTlBE0Dr9JQ1R9BnEwTZBnouyhpVd07VHaF8/xZWmF1PpxQpad/8gGEd9RtVq41IOn"
    "Yt/fuJLPkpH8C41k2k4UYZJYKSm0CKTiUTi1z+QiAKAk+k6Y7jgrgxgL4iWWWL130ETRvd"
    "W4c6zIiYNsq6bZRj5ekRi1mpPpEwbWdNzrHnbWSW5CXNYmUWK/VidYOm/IfM78g9cisyKI"
    "tDahcsPxzMp3Y+umm4MhICUghMVnJJuf109uLk7bswavierzoBRbYsRuHLzj3ymNjewBFR"
    "xGibAxrmNQ7FmjNBMoroAjjjb4wqPNnKPTVzNaOrjZrlauagHkWyUhmaCZtzSPX6SEbjTe"
    "RTO/KZ0bCGAZOXMtHPwiqJKQ02WiRzgmaN7Nwamet3QzfrH0UNndxZ/XbGBvoNWVznP8GV"
    "Q2B+bawYssYGCgePvMzoBmZQNDysBZn4fFmXRglXuhQ9BmNsy5paCGw8Q1RmVMkNm5ZQ7M"
    "ZkIfyA7CGghI/wkYf4GTF6Qok/USdptXFLTSNI2XOnqUWUB37LG2abPZq2TS6YbjXb71Zj"
    "6n/6tETmVEs8bJV1W52tnwj0IgTY++qIpw54xlwqMs0u9FcVTHMqVEzSWUVpa/2B/TzKKk"
    "tg56ifX34+u/lFjfu5Igvt/Je7i7NSSuB/VJlRdR2MIglD7m9O7geetGaV6X910OfkjAK0"
    "FNAZl5MhV6D0ifj4PxIshc9ZGDOsdzqj0aN5Zvj6FgZcLQ4CD9AJkKy5gaKtkwjeTtCU+A"
    "iMfbgcTX2ykNFbwO/Lb2SHGwG72AHCBJXbDrsELBBXsyWasfK/uTSAjhNdTtH7oM07r+/u"
    "Gl6h1MfVdDnoZJcD4zhu3XGMPoASntVxoFSiF+ZuC61O4xlN10HPyhknvXNOeteMiptA/u"
    "5qi0IOaGhO+PHYRolnMjgereli1RZB86HIErPhioKjz8RFp3KBFpW/z4/BOJxExqd8+fcg"
    "Y8h3w6Lh8X+N5eI+/p/xezCOpm7xbowBWnhsxQXclTpJbQ/PoLQv0vkxI2osjMOwMMxy2E"
    "Ln78xnoQF0QayHaG+/vkFYEGL6K+Ncs7V0VmjDraUPJ2K+jZ2lfeI4gbcB0Hk5g3UDrM2e"
    "Yr21p80+V+3VGXbFd8Gzgcpj4Yfr/ZRowFrnJNwpSxas8NkW0aG07AWXyAFGvkOse8E8si"
    "VCsqRlwf2CqIhyDCwScC2EiS8eIp6DgDWHLv8l4Ehc4uIOzhSbWLV0z0dU05g0lzbSXExr"
    "qV1WR4fugFZHk4xIN3qaiNv2pqdJOrnp6CQv1Q219KrVjNm6emC2rjb+h9m62qi5rGazdb"
    "XZurovWHfFpZek5hVk6lhkenZY6+CH1KgTD1zr6N9EzYPjfemAxW8s43ncDYcumJPAD+td"
    "MBVuucMd6sAD0OHfsr3il/XJAowdshzL5hVzPJuPM355of+wKINhxFEU1+zxOZTRSMrvF9"
    "bC5PJgxGOYmORhxCRTFTadNFOJHk6Y24+SmbSyraeVyflF03KOZYzN3Gmb2QmbgehoNhIx"
    "iu20YoWtof3NRjJGtZ1WbSUJWGfF9ZEHfEK1JtKDumW1jlh4etjAE6OssSuWdgyUF8k5Oq"
    "eyRCMu9Vjwa/oYOpgie/w+DHpaZJEpBmFz0eyIezjRruKODY4o46e+Ea7hsbdSxF/3cP9H"
    "xGL3b913KFK4Ldu+ZqPMWKG6K11O0DSV6fJql/2sddVclDWa7pqmO7K+3oYdaSq6J2bO1q"
    "6umf59TXoFUTxzX2B3yJcqbM2BAymjIHAZdgQbiEUPXlu0LvQB+uphX1WAuelFNPv5QEtm"
    "MkX8SCb2KYTWNPSJG99F15CAqRv5iK8+c1P54Jo3kTI1tzBJVHtNosq/R03RzksZds4kMT"
    "yV1bFzzRONgnen4Gh93kDHeUmj5m6rOTZrdJWckTN+TMc1PKpqPFZNBOWl+rer1g7qIdGC"
    "MAXZVtfcLZboA75138wuertx19lVTFvVcCcCBu1maHeEDblDDhKV8KuBggxJTw7ruBCWG7"
    "aWDbl2ozZScs94/kfUDeoobmNMjxc2oCh0gN8qAgUbXaFxT6lh2mEVecSSYVKKfm+eddW1"
    "nq57jRMc/mpv2lo9VtGmrVWn+njIqbMMcU3Dg0Riw1YHXQN5x70OGJxp1dLF4x9VRXc4Nt"
    "ROyuWSpbphsVwyvk8dWbdWLSfsnRKWtV1uQ4E+gfl0Uo4+yEYFFRHR9GStExA2OxjNsciy"
    "aegJnIEoVS3qJxtMxIYgIoAJXRHDRD63eF12CpZzAhbQRgAzEf1chZ0ZZNqPjHy+B/zBkG"
    "u/IK7DTy59zEShhewKF4/iXoojKjxUkdV9PYbSJ4ETEsjPJs7jM+Uenflg67wBjg0fLt5+"
    "TY+gJGi8gsJydM+fXscniMf30CPYPreazDeNg/SxgHlPD7NnwwEZol3j0rr7mh4Im5bZP4"
    "b/Ugt7qs3hq2f2nFAPp/edVPC3vjXS4XARO4meRY3fdCigjEj7vZR6RANNRfRHB/hEwMCu"
    "CXtHyIuLxEGvIDDyA4Z1JEbq7DclMDwHuqdRQnZEHFAwI4DNfRLM5vEZxp+dCs4AuRnSwE"
    "HQpmHnCBHFZCTcLIfPyqJYKbBX34jLU3W1VMv3VlIVJc9VQl/kK3Kp3nGzxGZbxKYKGcWC"
    "Jt27i+nehvzYmVO533ak/beOK/iPmlynCv5jhwgP9jAb7MQ0FuXIgcJAq6maTSR6+EJvn8"
    "0Ll3sdCziVMCbwIzyP2ALTgj4jY8B/DPjWHNnRzleNwc/IdKN/ca/aSh8IF276FxtSvEOk"
    "uOlf/CTUbPoXm/7FfcG6IzzwTz5hhOvvBs0R9Cl0BgouuDxoWMcHe9HwkZ8bv5YX/lkwrB"
    "AkUmFiWZxlJjsLM5LLFjsGY0oC1x6fiiSxBVyBCQLQX4h+HnKzIcDvKVUnrsXmmAratswK"
    "t3pnzdYi0VNEPF+8CjUjgtWaMFyw4YIPZPLdaoKRJq55KQOqyTF6Kna2yTFqy8pmovmegv"
    "ysZHtSAZP4qKrACanhkbRKteIlRcEevsE7CJsgVb5WfcWTMl3roN/eViooMrMz9Pm/GLdO"
    "dHj7vJQJmzwmbCIcP8VrT4iDoFvx3scyBeQnXKhfkJ9fX1/lID+/LEa4v/x4fnFz9Erin5"
    "YEl9/05XzFbRStLIOMiMkz0M4z4C+9eH6NaSWVMFPKo6aUKVtCX7MxeipjrJUKa6VrNKs6"
    "2TZ7etiEWm1GqJ6BeDyYrABmFIj7vk+qailcUdEBGbvyZER40GMwdtESUTY+DdNbg8UE+S"
    "GPiYDYCYAyZWbtTm+2n1TahEE1ibT7J58MeWoSaftHAWGmysCqNnETgV4g3LaJGy42Goxb"
    "KtAnzsJkWJmQgMmwMmo2GVYmw6qnWHfM9f9H6PCuYQAyo4aNcqwy6d9ahACkgJIFmhB7BZ"
    "b8oGjPBY7GjJud4+ey4JWPuLr8cAt8WfMqz3JdBqKsdDwUDnpYKTu28Uy479y3f/4euIg/"
    "EIjq8mtJglYe4Ff3V/dujkAsJwgIwb+Be+QxcQNxu1PwGyXuBCxJ4NhgSvwZYpJ9IL4dUh"
    "Exm0GHgr4IbytuYcntFiG9RzV70ieqihgKSXAI7qF0Kvwhj+tcZrgFwy0cDLdQeP+bAlsQ"
    "M7AWfdxwiikhWu3jJgLGx1VllVhztIAj/dqssqDBV4FvtO5pWMGpRA8t4HdvGhjA795U2r"
    "/iVIFj5FaOFsUYje8FuG0zjLGtqQN4VsaAvgHoU/47+fPoNbHKyJjshUdkL7iau0y5j9lj"
    "6mln6Bi6fSNVGB72QNeRfnODt2HWedWu6unZYe2u6uG4hhSgC6CLF9A5BmMbYmc1Ps304h"
    "cd7QT7RaZg6nA/WvJwU0LsuL1dnCcfGyyy1d17WTvJsC+rH5HokveAQsZMXoDBmYIK3OOD"
    "aJZgVmQZDWuzhwK57Xr0lOLgCLujgFYnEYGfP13cXICwcxP4/i/gWfRTnpV2fi89kD9dn8"
    "6UeyAhsMUH0kuqyqJSeXeTU2V4z+6tRyanqqtLeo6w85CFVf3carKpUxGDckOU0VcthMPh"
    "PUR3+4V1E+yz+Ug4Y2o3T41wXqrOxWsA+eF0oxceW7GQZapasqrfzXh8H/r275pMNs1Id/"
    "zxS29Ih8hMBExDxp1wm4qXvZ7cbPld7w27abpfDkxu9r7NiYMji01u9pNQs4kJmNzsvmDd"
    "rfjLzwjP5mxQHYKJBgwbRGFGy3Rs046X8d7JUhTZ+UaTpcBJUyHNIEf8/Jv0mSz/dkPpG0"
    "r/QKa47VD6+c+nKa55KQOq6TH5VKzZcKkYzcrq/cEhsKq7U0aooN+pkOqXTj9efzm/ugA/"
    "3Vx8uLy9jLitRInypDiUdtC6uTi7Mql5+yKvTNfUtrwz8ZJuQndk5czy0LnloSNO4RnysT"
    "UfKLzB6Mywzg2E6Zh17l+1Yte7blqOVCV7rjQ7FcR55Aw9zoHqfEFStd9UGZeontirAxNm"
    "Wq/aUpR/VBoIR8N7iO6rly8boMtHVaIrzxWCQcRlyqqk6rhyRsTUxxzSPu9//j928vXX"
)
