"""All tables. `telemetry` and `device_event` lose the primary key that Tortoise wants: on a hypertable it cannot be."""

from tortoise import BaseDBAsyncClient

RUN_IN_TRANSACTION = True


async def upgrade(db: BaseDBAsyncClient) -> str:
    return """
        CREATE TABLE IF NOT EXISTS "alarm" (
    "id" BIGSERIAL NOT NULL PRIMARY KEY,
    "source" VARCHAR(255) NOT NULL,
    "kind" VARCHAR(100) NOT NULL,
    "severity" VARCHAR(32) NOT NULL,
    "message" TEXT NOT NULL,
    "raised_at" TIMESTAMPTZ NOT NULL,
    "cleared_at" TIMESTAMPTZ,
    "count" INT NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS "uidx_alarm_open" ON "alarm" ("source", "kind") WHERE cleared_at IS NULL;
CREATE INDEX IF NOT EXISTS "idx_alarm_raised" ON "alarm" ("raised_at", "id");
COMMENT ON TABLE "alarm" IS 'Something that needs, or needed, a person; one open row per source and kind. `count`: how often it was raised.';
CREATE TABLE IF NOT EXISTS "command" (
    "id" UUID NOT NULL PRIMARY KEY,
    "device_id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "args" JSONB NOT NULL,
    "principal" TEXT NOT NULL,
    "idempotent" BOOL NOT NULL,
    "actuates" BOOL NOT NULL,
    "deadline" TIMESTAMPTZ NOT NULL,
    "accepted_at" TIMESTAMPTZ NOT NULL,
    "state" VARCHAR(32) NOT NULL,
    "state_at" TIMESTAMPTZ NOT NULL,
    "n" INT NOT NULL,
    "epoch" BIGINT,
    "reason" TEXT,
    "run_id" UUID,
    "trial_id" UUID
);
CREATE INDEX IF NOT EXISTS "idx_command_device" ON "command" ("device_id", "accepted_at", "id");
CREATE INDEX IF NOT EXISTS "idx_command_accepted" ON "command" ("accepted_at", "id");
COMMENT ON TABLE "command" IS 'A command and where it stands: the `n`th of its states.';
CREATE TABLE IF NOT EXISTS "command_state" (
    "id" BIGSERIAL NOT NULL PRIMARY KEY,
    "command_id" UUID NOT NULL,
    "n" INT NOT NULL,
    "device_id" UUID NOT NULL,
    "state" VARCHAR(32) NOT NULL,
    "time" TIMESTAMPTZ NOT NULL,
    "result" JSONB,
    "error" TEXT,
    "ledger_seq" BIGINT,
    "epoch" BIGINT,
    CONSTRAINT "uid_command_sta_command_1ef2da" UNIQUE ("command_id", "n")
);
CREATE INDEX IF NOT EXISTS "idx_command_state_device" ON "command_state" ("device_id", "time");
COMMENT ON TABLE "command_state" IS 'One state of a command''s life; append-only.';
CREATE TABLE IF NOT EXISTS "device" (
    "id" UUID NOT NULL PRIMARY KEY,
    "name" VARCHAR(255) NOT NULL,
    "type" VARCHAR(32) NOT NULL,
    "driver" VARCHAR(64) NOT NULL,
    "location" VARCHAR(255),
    "settings" JSONB NOT NULL,
    "capabilities" JSONB NOT NULL,
    "silent_s" DOUBLE PRECISION NOT NULL,
    "admin" VARCHAR(32) NOT NULL,
    "link" VARCHAR(32) NOT NULL,
    "health" VARCHAR(32) NOT NULL,
    "safety" VARCHAR(32) NOT NULL,
    "epoch" BIGINT,
    "reason" TEXT,
    "state_at" TIMESTAMPTZ,
    "described_at" TIMESTAMPTZ,
    "version" INT NOT NULL,
    "created_at" TIMESTAMPTZ NOT NULL,
    "updated_at" TIMESTAMPTZ NOT NULL,
    "created_by" VARCHAR(255) NOT NULL,
    "updated_by" VARCHAR(255) NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS "uidx_device_name_in_use" ON "device" ("name") WHERE admin <> 'retired';
CREATE INDEX IF NOT EXISTS "idx_device_name_id" ON "device" ("name", "id");
COMMENT ON TABLE "device" IS 'A device as people registered it, and its state as its actor last reported it.';
CREATE TABLE IF NOT EXISTS "device_event" (
    "time" TIMESTAMPTZ NOT NULL PRIMARY KEY,
    "device_id" UUID NOT NULL,
    "type" VARCHAR(100) NOT NULL,
    "data" JSONB,
    "epoch" INT NOT NULL,
    "seq" BIGINT NOT NULL,
    CONSTRAINT "uid_device_even_device__776944" UNIQUE ("device_id", "time", "epoch", "seq", "type")
);
CREATE INDEX IF NOT EXISTS "idx_device_event_type" ON "device_event" ("device_id", "type", "time");
COMMENT ON TABLE "device_event" IS 'Something that happened at a device, or to its state (type `lics.state`, `seq` being the journal''s position).';
CREATE TABLE IF NOT EXISTS "fleet_event" (
    "id" BIGSERIAL NOT NULL PRIMARY KEY,
    "time" TIMESTAMPTZ NOT NULL,
    "node" TEXT NOT NULL,
    "kind" TEXT NOT NULL,
    "principal" TEXT NOT NULL,
    "reason" TEXT,
    "detail" JSONB
);
CREATE INDEX IF NOT EXISTS "idx_fleet_event_time" ON "fleet_event" ("time", "id");
COMMENT ON TABLE "fleet_event" IS 'Something that happened in the supervision tree.';
CREATE TABLE IF NOT EXISTS "journal_offset" (
    "journal" UUID NOT NULL PRIMARY KEY,
    "position" BIGINT NOT NULL,
    "shipped_at" TIMESTAMPTZ NOT NULL
);
COMMENT ON TABLE "journal_offset" IS 'How far a journal is in the database: its entries up to `position` are.';
CREATE TABLE IF NOT EXISTS "rejected_payload" (
    "id" UUID NOT NULL PRIMARY KEY,
    "device_id" UUID NOT NULL,
    "time" TIMESTAMPTZ NOT NULL,
    "topic" TEXT NOT NULL,
    "reason" TEXT NOT NULL,
    "payload" BYTEA NOT NULL,
    "size" BIGINT NOT NULL,
    "suppressed" BIGINT NOT NULL
);
CREATE INDEX IF NOT EXISTS "idx_rejected_payload_device" ON "rejected_payload" ("device_id", "time", "id");
COMMENT ON TABLE "rejected_payload" IS 'A payload that broke the contract. `id` is a digest of what was received, so a repeat is absorbed.';
CREATE TABLE IF NOT EXISTS "telemetry" (
    "time" TIMESTAMPTZ NOT NULL PRIMARY KEY,
    "device_id" UUID NOT NULL,
    "metric" VARCHAR(100) NOT NULL,
    "value" DOUBLE PRECISION NOT NULL,
    "tags" JSONB,
    "epoch" INT NOT NULL,
    "seq" BIGINT NOT NULL,
    CONSTRAINT "uid_telemetry_device__2242f7" UNIQUE ("device_id", "metric", "time", "epoch", "seq")
);
COMMENT ON TABLE "telemetry" IS 'One value of one metric (contracts.md section 5).';
CREATE TABLE IF NOT EXISTS "aerich" (
    "id" SERIAL NOT NULL PRIMARY KEY,
    "version" VARCHAR(255) NOT NULL,
    "app" VARCHAR(100) NOT NULL,
    "content" JSONB NOT NULL
);
        ALTER TABLE "telemetry" DROP CONSTRAINT IF EXISTS "telemetry_pkey";
        ALTER TABLE "device_event" DROP CONSTRAINT IF EXISTS "device_event_pkey";"""


async def downgrade(db: BaseDBAsyncClient) -> str:
    return """
        DROP TABLE IF EXISTS "alarm";
        DROP TABLE IF EXISTS "command";
        DROP TABLE IF EXISTS "command_state";
        DROP TABLE IF EXISTS "device";
        DROP TABLE IF EXISTS "device_event";
        DROP TABLE IF EXISTS "fleet_event";
        DROP TABLE IF EXISTS "journal_offset";
        DROP TABLE IF EXISTS "rejected_payload";
        DROP TABLE IF EXISTS "telemetry";"""


MODELS_STATE = (
    "eJztXW1z26gW/iuMvzSd8WZSJ2267c7O2I27zU6adBL37vvIWMI2G1moAiXN7c1/v4DeZU"
    "k2flFkly+tDecR5Dkgzjkc8LfWjFjIpoddG3qz1hvwreXAGeIfshVt0IKumxSLAgZHtpSE"
    "sciIMg+ajBeOoU0RL7IQNT3sMkwcIXpDZohNsTMBbAoZcBCyaBsQT35CVhtA4CKPEuctIA"
    "4CxEUO8Mi9KASU+J6JAHQscIsd6xAMTeI7bPgGTLkEGTMuixm4hxR4EFNkHYo+WcTkneIt"
    "Pk3zvoO/+MhgZMIbRh7vxF//8GL+APQVUfH1W2uMkW3Jz62gEQEUbbSEKPrqeohSTiCN0J"
    "GKfGx9NST7huiqVMqDK6taEsm1Ib6A3z70r/vAtBH0kGXwv/z8Blx+vrhoPbZBpv2g51xC"
    "4PHCDiTtB8DSHrQeBcy9NWRbmXGGJUqWGxG2hyfnDnsvZYUOR4ZJbH/mJPLuA5sSJwZgR/"
    "Z4ghzkQYZEC8zzxQB0fNsOB2o0JgOdJCKBMlIYC42hb4thLNBBB5KylmFcXg2Mm/7AMFpz"
    "QzxCpIZdWGRyAjkdvKtUEjARXfjhx07n+Pi0c3T86vXLk9PTl6+PXnNZ2d/5qtPHoDMJW8"
    "GjJGfnv5xfDkSHCJ+DwcwUBY8SAxk0Ej0n7CcDLquBd1PoFfOfIHI64H9cXgcR41VKiAoS"
    "LSTvjjrUMINfDRs5EzblXzsvX1ZQ/J/u9bsP3esDLvU8S/RlWNUJ6h7lvIo4llNZgeFIfg"
    "/5fXF0tAS/XKqUX1mX5ZeiO+Rh9qA0ilOYPeT5uLMEzcedUpZFVZbkGV8C4KTgTTHgL/li"
    "jlOQvaC4gtJB/3f56p1R+sVOU3nwsfu7ZHn2ENZcXF3+EomnqH93cdXLUZ5ZjLOkn3HWGJ"
    "6hYuIzwBz1Vog8jD7smSLOP/ZvBt2PnzLaOOsO+qKmk9FEVHrwKjcP4oeA384HH4D4Cv68"
    "uuxLOgllE0+2mMgN/hSWVAv6jBgOuTegleYkKo6KMkpOjDJVLWeRG1BzaP1oLW9By8JVmF"
    "dwqZEbyy+2czc1X19s187tvDg5PXl9/OokNm/jkiqrNrBghfMwvk0ZsKJgBM3be+hZxlwN"
    "6ZAy2fmqWWeWL4EOX7as8C8SnQt94Xdkxuusa6nkOU85VduucpfNQG45h7kLQnHpeN5zFx"
    "IJL5My/pXyKTtFYOgM2ZQ7oLycigqG6Lznu8ZzFF1YC91hExmBmwZNE7lM0aMMe2oET6rw"
    "KXPO61qNReBNubCfP5+fKTiwPvflDwVmlem92I9t/TT2HVMMKiBbEv+c/Nyq/80dGJ7Bqz"
    "j9kpV/erWrmhlYy5KdAW2S8+YujgspTiiV/ytY9JG8NudXMOehN6HzZP96c3VZTHYkn7fs"
    "sMnA/4CN6dZMgachXTBRTXqe39wAFw/Ik+7y3pjYhbbKMM+A9FhfYaxjC81cwlCR0dsjhH"
    "suTtnimAbmuB9x5H6R37u6usiQ3zvPs/v5Y69/ffBCaoILYZaJ7KZeLybzhc2mSHgapule"
    "nm4LQcvGTsHyWe21p3E6NNNopz3nT6hoOQfVim60oqWzq7R7EAH2wjjY9taBZGuFSZTG6R"
    "nU6BnkKMQ2nXrjmtvfwl8rtJlmEbnEnBbYbxXZEDFkJUIbFvGvMyUitc2GICUFA7jcP0wQ"
    "K73/G8Z67duavqMYxEsQa0Twdod1hQAebwPaimymMZrPpm0u3Qijp3qHKRZpL7HNZMS26u"
    "LNpisHBRs/YhcIRjtGzyiw8Ri9Bbwt5Fg/EMd+mN9gUsQWbCr9FXc5GJtO65+l95mkCaiw"
    "2xOYlgs3mHTSYiOTFrPjZNn3Xhal94Lye0HahN+ACa83KTc+MHV0ZqvRmSh6ohKZiTA6Kt"
    "PoqAx/lOBmTrnle84JYq1d593xDbay6Yw8j3gqAYUYoOMJ6vEEG1kT5BkUfVGzybM4HT9b"
    "NX6mo5Z1sd6QSMVZ4DYXBCjOYoe6PC6RON3LZL8G0gBS4CLi2gh4aMLXIOQhC2DWltmscb"
    "6qEBNf+DOJB2xIGRd3icekcFFS7CYf/7fztzO8Q54IPgyBzOCm4F6cMw2fbU6hwwkFByLb"
    "tj+Ak+dvZeKtfN4zGj6MAhvBO5mdC23ioFVycKValjk8GnoeoszAjuHT8mhIeIgUWjPsgJ"
    "9+Bs88buJxnp7N5eFGWYLLJeBmuqDTbxubflucK1ruhe1VrmgNp0QlQQr8RvJ7yO/mnVzL"
    "w/zNrEJvgthDgl+dLEHwq5NSgkVVzggnJpR9UqA4jdkHx6eGlwRFjPEuKOWRpzH155Knlr"
    "6Rj23eE3oomn2K1W8rzr4JXTjCNma4KPe2XC15nFbNxlVDMZ+NzChQy3ubwBLfNA3K6WQs"
    "UNvSxvHR4VH9vJ9dfe5d9MGn6/6785vzUAdxEFNWiqIkE/q6373IZ54Ll0DlxR8D6ltaW8"
    "gRcGtbQ3vbBoyNnVultTWUr5FhMh5Hie27yPAUQZsVxLHKOU4QdbJ8u6sEUzhGipe0xIga"
    "CRaN7irFOhT7FAFwnUBa74ZPQ84T7JAWdm3jOqBgtNLRqzxWa7rJmg73S+aVXLpgpRD6cp"
    "z8UmTylWW1E4tZpE7safSs8V1rRTVnkVrNjVZzNCdHSl5TFrWHuxdbiaxHE0ON6yxKc13O"
    "daNyV/p34oKR0gSWoLq9OIvFQLGk6tXnU3kiBlmAf4ZhHoq8ipyRVMbJgeAbDG1s0kNZMm"
    "yDIUVfhmCEgkch8C/xPQfazyjg7x8smnu+8Obz7bdeeMBn/sxOOxWBCDPx5PRROPoT7oMv"
    "ewQorTkjBiumnDQtafpJDwXt/pKrL51bV9EqZ1Z1ostWr0MXY3me3/KN6EheZ/yvkfFfHH"
    "jfUtS9cYN6w1EM5VT+dXL4G0rm95NO/t5GiEmTu+TYe1ag0iwfC9FNWOXYkdYt9V3k3WFh"
    "TPJXHELLG9ZVD1DM5o6MwuXyqVMUGBFSH29v2tyrsjmb5lw0dy3fEfcilUTPX1nzqq24cD"
    "mU3wvbt+594uLfXSone69+d6lusvVFy09Cu849qZdvCzGIC8Z4hXsdI7SDreZgN8Q/+TWI"
    "cF+NxxQVbhpkBdpV/kkYLTdIIrvQRflA7nmVB2AUaweYRu6FsCFHkKI3MmrPTX4PIwp8V8"
    "Txh1FAfgigV+C5bPC5ix2aUlcjbFslvJqC6GOcqsc4I+WpOXhplI6yrJwpSqfYdVfK28gi"
    "tZfXOC+vIYvVNfoXmVzpn+CDTWD2VVsiUrlgeaGw4aakl7i3IRQPgmIjj9wiua5wpUvoIR"
    "hiaygWHAgsPEGUiWsj5WUJ8ge0kYnwnfhBbkq4hIdcxGuE9IgSb1T00971NLnOb6GphfHy"
    "xG/4skp9P4L+ebLm7xTrQOg+LZEZ1RIXmyphixigw0S7ECb63glPmUt5L8uB3kOJl5WA8j"
    "/F9RD+RNf+0N4LIz8x7Zz13vll9/qPYt57BZGi3h+Dfnfu0P9/CxaNyuyBEKEd29UdW9+V"
    "1ixS3DjO4rQCdjF/Y4BsNEPMe2gVOJtJZbvKzWQZsaV+qOAO2r78sQHCvwgsNsFB5OzRw5"
    "kFKApcipcF+dArPWFxTnPwlLS3l8luzmc16/zi78Pu1V7juopW8BqTObhshnGC2Atbt4Yc"
    "Y/nqnKe44lqlGFHnnUpPM1Y3cacSg2qXvEXyeo9ZJ3HrJO6mkPn9OAFdxFfQaavAAwhrKs"
    "1/mMgssv3LVbBGEkKR+fW9JDuvOeHLTdvSqz3KDbHyuz32wRLbyrl1MakUGA7F95Ddrdi5"
    "IhoQniVZ1hJLQeq/0nXHrbEnXcwe/w+XBuKU"
)
