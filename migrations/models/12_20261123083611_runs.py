"""What runs are and what happened in them: run, trial, reward, run_event, run_reaction, annotation (store/run_models.py)."""

from tortoise import BaseDBAsyncClient

RUN_IN_TRANSACTION = True


async def upgrade(db: BaseDBAsyncClient) -> str:
    return """
        CREATE TABLE IF NOT EXISTS "annotation" (
    "id" BIGSERIAL NOT NULL PRIMARY KEY,
    "laboratory_id" UUID NOT NULL,
    "run_id" UUID NOT NULL,
    "n" BIGINT NOT NULL,
    "time" TIMESTAMPTZ NOT NULL,
    "at_s" DOUBLE PRECISION NOT NULL,
    "principal" VARCHAR(255) NOT NULL,
    "text" TEXT NOT NULL,
    CONSTRAINT "uid_annotation_run_id_6987ca" UNIQUE ("run_id", "n")
);
COMMENT ON TABLE "annotation" IS 'What somebody wrote down during a run.';
        CREATE TABLE IF NOT EXISTS "reward" (
    "id" UUID NOT NULL PRIMARY KEY,
    "laboratory_id" UUID NOT NULL,
    "run_id" UUID NOT NULL,
    "trial" INT NOT NULL,
    "n" BIGINT NOT NULL,
    "role" VARCHAR(255) NOT NULL,
    "amount" DOUBLE PRECISION NOT NULL,
    "principal" VARCHAR(255),
    "barred" TEXT,
    "time" TIMESTAMPTZ NOT NULL,
    "at_s" DOUBLE PRECISION NOT NULL,
    "outcome" VARCHAR(32),
    "settled_at" TIMESTAMPTZ
);
CREATE INDEX IF NOT EXISTS "idx_reward_run" ON "reward" ("run_id", "n");
COMMENT ON TABLE "reward" IS 'A reward that a run decided on, by the id of its command. `principal`: whose hand it was, null: the protocol''s; `barred`:';
        CREATE TABLE IF NOT EXISTS "run_event" (
    "id" BIGSERIAL NOT NULL PRIMARY KEY,
    "laboratory_id" UUID NOT NULL,
    "run_id" UUID NOT NULL,
    "n" BIGINT NOT NULL,
    "time" TIMESTAMPTZ NOT NULL,
    "at_s" DOUBLE PRECISION NOT NULL,
    "kind" VARCHAR(32) NOT NULL,
    "record" BYTEA NOT NULL,
    CONSTRAINT "uid_run_event_run_id_f6d75d" UNIQUE ("run_id", "n")
);
COMMENT ON TABLE "run_event" IS 'A step of a run, whole: `record` is the journal''s RunStepped as bytes, from which the run can be replayed.';
        CREATE TABLE IF NOT EXISTS "run_reaction" (
    "id" BIGSERIAL NOT NULL PRIMARY KEY,
    "laboratory_id" UUID NOT NULL,
    "run_id" UUID NOT NULL,
    "n" BIGINT NOT NULL,
    "command_id" UUID NOT NULL,
    "heard" TIMESTAMPTZ NOT NULL,
    "decided" TIMESTAMPTZ NOT NULL,
    "left_at" TIMESTAMPTZ NOT NULL,
    CONSTRAINT "uid_run_reactio_run_id_c8b42e" UNIQUE ("run_id", "command_id")
);
COMMENT ON TABLE "run_reaction" IS 'How long it took from what was heard to the command that answers it, by LICS''s clock.';
        CREATE TABLE IF NOT EXISTS "run" (
    "id" UUID NOT NULL PRIMARY KEY,
    "laboratory_id" UUID NOT NULL,
    "rig_id" UUID NOT NULL,
    "rig" VARCHAR(255) NOT NULL,
    "subject_id" UUID,
    "subject" VARCHAR(255),
    "experiment_id" UUID,
    "stage" INT,
    "protocol_version_id" UUID NOT NULL,
    "protocol" VARCHAR(255) NOT NULL,
    "protocol_number" INT NOT NULL,
    "parameters" JSONB NOT NULL,
    "seed" BIGINT NOT NULL,
    "unit" VARCHAR(32) NOT NULL,
    "principal" VARCHAR(255) NOT NULL,
    "forced" TEXT,
    "ordered_at" TIMESTAMPTZ NOT NULL,
    "opened_at" TIMESTAMPTZ,
    "opened" BYTEA,
    "phase" VARCHAR(32) NOT NULL,
    "why" TEXT NOT NULL,
    "phase_n" BIGINT NOT NULL,
    "phase_at" TIMESTAMPTZ NOT NULL,
    "began_at" TIMESTAMPTZ,
    "ended_at" TIMESTAMPTZ,
    "n" BIGINT NOT NULL,
    "trials" INT NOT NULL,
    "outcomes" JSONB NOT NULL,
    "commanded" DOUBLE PRECISION NOT NULL,
    "confirmed" DOUBLE PRECISION NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS "uidx_run_rig_unfinished" ON "run" ("rig_id") WHERE ended_at IS NULL;
CREATE UNIQUE INDEX IF NOT EXISTS "uidx_run_subject_unfinished" ON "run" ("subject_id") WHERE ended_at IS NULL;
CREATE INDEX IF NOT EXISTS "idx_run_ordered" ON "run" ("ordered_at", "id");
CREATE INDEX IF NOT EXISTS "idx_run_subject" ON "run" ("subject_id", "ordered_at");
CREATE INDEX IF NOT EXISTS "idx_run_experiment" ON "run" ("experiment_id", "ordered_at");
COMMENT ON TABLE "run" IS 'A session: subject × rig × version of a protocol. `opened`: the journal''s RunOpened, as bytes; `phase_n`: the step that';
        CREATE TABLE IF NOT EXISTS "trial" (
    "id" BIGSERIAL NOT NULL PRIMARY KEY,
    "laboratory_id" UUID NOT NULL,
    "run_id" UUID NOT NULL,
    "number" INT NOT NULL,
    "block" VARCHAR(255) NOT NULL,
    "drawn" JSONB NOT NULL,
    "began_at" TIMESTAMPTZ NOT NULL,
    "began_s" DOUBLE PRECISION NOT NULL,
    "began_n" BIGINT NOT NULL,
    "outcome" VARCHAR(255),
    "reason" TEXT NOT NULL,
    "rewarded" DOUBLE PRECISION NOT NULL,
    "ended_at" TIMESTAMPTZ,
    "ended_s" DOUBLE PRECISION,
    "ended_n" BIGINT,
    CONSTRAINT "uid_trial_run_id_f739e4" UNIQUE ("run_id", "number")
);
COMMENT ON TABLE "trial" IS 'A trial: what was drawn for it, and how it ended. `_s`: seconds on the run''s axis; `_n`: the step.';"""


async def downgrade(db: BaseDBAsyncClient) -> str:
    return """
        DROP TABLE IF EXISTS "reward";
        DROP TABLE IF EXISTS "trial";
        DROP TABLE IF EXISTS "annotation";
        DROP TABLE IF EXISTS "run_reaction";
        DROP TABLE IF EXISTS "run";
        DROP TABLE IF EXISTS "run_event";"""


MODELS_STATE = (
    "eJztXW132zaW/is4/pJkj+Jx0jTtOnNmj524E8+6cY/tTKezmSNBIiShpgiVAK1oOv3vC4"
    "DvIkgRskRR9O2HmZjEJannksC9z33B70cz5hCXH5+NRizwxA1bHJ2i3488PCPyH4azPXSE"
    "5/P0nDog8NDVw3E4Tg8acuHjkZCHx9jlRB5yCB/5dC4o89TgWzYjQ+Ys0WLK0AwvEacTD1"
    "HvHfLIA/GRvDoRxOkhzpCYYoEwUo8lR8g/CcKBQwWiHGF3gZdcH+Pq/Jz4nHnP+LF6DIeN"
    "5HNQb9LYHQOP/haQvmATIgf48r7/9y95mHoO+Uq4+vP3ozElrqP/fTSaYm9CnD4WR2oY+T"
    "r3CecSIh5Lxrqgztd+BHA/ktLgL+f69JGWlpjrP/5QkvP7vr5TTqVUS+nj/Vj28+fLDz/o"
    "kQqyYX/E3GDmpaPnSzFlXjI8CKhzrGTUuQnxiI8lbBlNe4HrRu9EfCiERR4QfkASPJz0gE"
    "PGOHDV+3L053HgjdRrgvSd1P+8+Uv0aJlh/f6n67v+7cVdv39UeL3UI6zoPzo0kthKmKgn"
    "FMS//xFeNwVEHz1SN3j/8ezm+TdvX2gIGBcTX5/UcB39oQWxwP1UmynKZIapWwT6/RT7Zq"
    "ATgRWs5aPuBuUYoB1AejTDX/su8SZiKv989f1JBcZ/P7vRMMtRGmcmJ41wMvkUnXodnlN4"
    "p/j6TA6ygDcevx104wMpvOkc1zi+37yuAe83r0vRVafy4EZwqKcqQHxOJ5eeMIOcl1uBmo"
    "brwi6gfrUrnCfqCV7+9+vX33zz3euTb95+/+2b77779vuT7+VY/bjFU99VKOP88q+Xn+7y"
    "elAH8uiPfKLwUStCAf0P8oygM2LGPy+5gr8TiR7H/zjAF78C27vLHy9u785+/Eldfsb5b6"
    "7G6+zuQp15rY8uV44+f7vyUSQXQT9f3n1E6k/0z+tPF6sLQDLu7p9H6plwIFjfY4s+drKY"
    "xIfjQ0Y1D5c281heqoOz2etvv60xnclRpfOZPrfySaVGlu0nlZOET6rVn5RDuUJ5Ez2viG"
    "5B0ZHBBXrevp7nmPMF853+FPNpUdN30g0ya7kguNEEekCavfjHXU6p8Sz5/Mezf7zIKfbq"
    "+tNf4+GZWfX91fX5ymSagGj/la2IwlfW5q9sxBxS8oVV2CdZoS58XXnr5O2bGsbJ2zelto"
    "k69UcRZfJ1TqXmNrFPiuLwVbX5q1KUozQzqLeBsldlQdNt07RiXcf3GUZQHRji0f0Cy1Wv"
    "cIa9ZmVji6dmr2erR7CHJ1pJCk31nDFf72J/dmQi8vWJXiWHnwypxeCLqdRnyJZ7hDi8h5"
    "iv/6V4dBxR4+8Q8whic+Ihny3UQcRZ4I8Iwp6D7uXLdowuBUd+4BKOsK8pdy6YT/6kH6fP"
    "hXyF+fF8aSb1m36IL94Xb/CrFPawOzhV4QROEPGEv0TyXebEQVQgF3OxSUQgfCglqJ5pXV"
    "Qg0GEB/Xzqp5VGBNDPHy9uLpD8DuQvUwYYurxFnz5fXR3p6Slz//AXRFMMXfsA6f1DwW3F"
    "JKqIRmNUwkAwRrNbe4nyBgnG8lhF+sLVtfJSCWCg6jFQ+lO2QDge30F8X53UigedVMSDTg"
    "rxIK4CuFRYcalZmQ7ivP240EwuAdLgsGFcMiKdgLhpsiW3GNv4CjlB4K1b5ynkOIDEKLN2"
    "/3OS4A+2WstxalRewaVGbjK+M4H016/efPfm+2/evknM2+RIlVVbDJEr12qDryUjBp9Kmz"
    "8VnwjpW2+27uVFQc9t1jMe3ctTLnE2C84bxEHfB6Nvu8QXg2j3wku7SX5hsxkxWR7lXltG"
    "pAsgN+208SlxHzaa0fKSMJm1eTKLdWU3j+WluvB1NTCFxaBJh8iUVV/vm0qE4bNq/2fV9w"
    "nmpvzz8kWrINiFj6vppSsKahZxLy8Ryog8ok7ocHBfUxXUlhSAOf1fsiyr50tO9ipTAea0"
    "f0/0QrU+GeAMzX028fHsGUcLvETU66HhUhfJ3X48e/n627eIjREVHHEykl76MRpI3cu3UT"
    "B/2afOAH1iHjmVcoIh7LooOUsJj0XZQr5ExRyAhu9tGdCPi/bCqHWmSKNOZD1UQT9TWVkS"
    "XF+N4pMHdm99m0iq4jZQV7jXusL8u1QX7bzUNlE/2Gk6Tydn5gIbXAuCsADmkdX/XwC03D"
    "uKx3ciVrzr1OFwLbNO0V4RA6jrQD1i6hoFlP92e/2pBOVEYtXdpCOB/oNcyncWxtvPtKCw"
    "qPZHVl2PlflDXWDVH4Fi2E1UcXBO/+YFEFuvfQA17zKumzgllmrOSwKD12Yt6zSLYLO0tV"
    "VZ0PRhaHrss5kNWVuUBLa2HlvbFn5RNcM6MnGL+kSvkldMhqxlFX8O23CFFTy6rAfHXJ8q"
    "z8FJ7y3dqauHHOqoQVJNxHmH5CMQz3nJPNdQOLS9S6tyoDMpIQ176VUhsWCqwkgTh0mPsI"
    "E8OziV/8flMjZAQzJmqsJI9xNzmCevr6qQpmyhjskrE+cYXXsELaj8LAL5oJ46KtXAdAcz"
    "lz4QBwmGBHFd+QADb6AvMHDohHB1J0VZzl08StqXjabyPUXPo4ompYK+PnQ8X744Rnc+nU"
    "zkD0Y+GQeqmumB+EsUtr8oIz0Vtan1KB9wxORb8K8qGjSermuWFOkHjGWgoOiQCoqit6I+"
    "O2la6oGWjF9+G/splgFHqNWG01z+0hGdmwKtFd1LskKdoO2ajm7jkbmpXVXaYUk7u8MEvI"
    "FKPIF9aSHYvNepRCcwbvqljo0vi7c6I9IJyHdd+GifjARZSI96paUzQq3m6VQCXuhaL/SM"
    "CatC3lQCXugNyniJ/NncnLZRhXlWCnC3x534PvNtIE8EAG17tENSqwh3eZQ8lXhUlPxwcN"
    "9JkByPBTG85eWwJwKA+uaoQ9aYlQ5sssbsyNstdpt/MuRttmmyChiYEPewvzQjnsqswD5c"
    "ijDp6cDs7SoUo+kgmTvk1HF++ens5hfzUnlumD7Of7m7OGtP7O49m8lzTklxQOZsryqKNw"
    "rH6UE1qgOi4TpKtZiSMPjFhfyTn+r41MAbiGmSpx/22jta0d5jrmOZte+QBzoi0QyNRyMy"
    "F5Zd8aIn7YdX0tjVSt1/1M1i4YrbQQr/XlP4cy9WXbBzQhApq5VmXu7ldSrNvPEgij+xyo"
    "SOx0Me9COcDQgY7uVdpw6ZzZkwts84Z8wl2CtbHLOCq1aylOwW+OfX11c58M8vV9H9/OP5"
    "xc3zV1oTchAVJf6INCMDLEzFFpWAZ8UA7vpwOwQ7LvWsE02ycpBs0upkkxV/wkbLK6Kg6F"
    "YrWju7RRVXlALGAp0wDnYdNNVobdLUKSMHX1CrvyAD89wE7bzvD2fL7VnJnI0MJclVHH4i"
    "shGgLYuC7IfIhySlZn1DP/AsSbxUAiJ+K0mjPsWuJZpZGcCzbcGlW2X0VEeYkiG9GmGmfm"
    "Krrg82qbopPVxFgXAcMXrGkUvHZE1VmKWssSoqfuTw3fSqy6JyzL42AS2iPaFpuTbABHVS"
    "rayTyr8ndee9vBTEgtYnj4AJb23CQ5By6y8msDM7ZWegWrKzrIy8lMKmoNzymHMqARmumw"
    "edIXu+ST5B723h9zn5zc4mz8sBf7YpfwasZVOot4Sp+BC6zQaC4kPiUJfzEqnTXSf7NRyN"
    "MEdzwuYuQT6ZyDWI+Hqv6LD5S5KvqoapP+Q1ma/3kZbD58wXerApKXabl9ebWz8QX5EPA6"
    "QbB3O0UM1yomuHTWEc9Fxl217c4cmLdzrxVl/vGY8uxpFL8IPOzsUu88gxGsxYuLfJQALl"
    "s5l8KqZIk7TbdimnUkWgFMoptDLXkCh62+zIX1HH+tTrpxcqpVKiXbSxM6Me+vNf0DNf2o"
    "cS5GeFJN44xbBe9m7uSapyd1fuEiNqcQ8tsi2uCLKDt50d3Iqqou05MyfRfy8N/xP992rv"
    "nnnyFRXgrnYfs3LQqLDNHiT0Id/tBk0aIAt84/EdxHf7zJbj0wdTfW85vKlEBwHefnd3l4"
    "2wbWOorEwX2I4mdnEjQshHsGujn5FpvoAkY1AOA+rKJ+HH6rb7sCl3014fz/GQulRQu90N"
    "VuVANVtXDafyaxR9g1p+cBku2wMvI7Sik7GS2pU2vjk5Pmke9w/Xn8+vLtBPNxfvL28vIx"
    "0kdqc+qQ6l5Q83F2dXq+UmypW3mfgTgeaW1iPiKXFnV6/2rg0Yl3r3VmtrNL5BhNl4HFez"
    "HCLCU4JdYbULUCrRJMr3hwowx2Mi7Db6TSQaBFjd9FAhhvjLPqJekDXebJS3JUVEB6SFQ+"
    "MaQwiGGzHKq7Kg6TZrOgqSFpVcumBlJJpLO3212wVrazmnsNffk/hqgrmzoZrzkqDmVqs5"
    "/iaHVl5TXqqD0YudMOvxh2GHdV4KsC7HulUJaxcPqqtQadZaeLq3PnWtT5KRaxPYbtmMiK"
    "lEHgmVCDbVZXDEQXoHtfByegc1wTJpZs8V3mjg0hE/1kcGPTTg5De1+1l4KYJ+ZYHvYfcZ"
    "R3L+oep2L4r5bY3f3VjVVyzU62UYiCj9Vn8+FvV+URy8bt1fVnP9RNgykattlRJ7rQQ8/C"
    "UXOk0+VtE2heqQ6LLT3aPUu1zEtzwQHY+HMp9HlPmYifcdse6te6m3zGJY1+88pnCnpWA+"
    "nRqSH1xCxIdALI8MBnl6stIcH6thfSceV29PZOYRNJUfdmgEK9MLOYzwU8SJ/0DydrFPRs"
    "x3jtFACQzUjsPSUnaYrgyRx1yH+AM0w0tpGcvDyjg2VZk0d9v1BSCltm2MYu1MyWCbMdr9"
    "9rTYSZZkuXWptGoDdTy+C1HDXWekhl+HHbqxBOC7Ht8IDWPwpmqtzss1t2TvKrluPzkHnH"
    "ojawYiEQLev3UkRJuMMc1/ljQeyw+oYZRtgSKlnqYaeTCXFhJVzJ6cbAmpz3JWXcCyVDb+"
    "POoVpWYg6MeS2ygahQZj251Yy020tjG9MM1ur6JRTllF1VZseRON7wQR2XTS3j31rDbujc"
    "cD2BuADVvd7AV2SARuFm+HCEwN73hFrCORgGiHXbSjTf7JR0WDlfkmHyOObJ1fEnNpdVoP"
    "abp2QcUUYaSl470x2cLrITxj0uPg0sr3sXuMBmMi3WxncKr69txL44Or0bpND3+HBin/IU"
    "dM2UKeFMRTY6eYo18ZlQ6LqT/RXp7hETTyfvtFPCkamXpq81YTH1TRXCgjAykKB85t7jg9"
    "vWFuU7pwilOxmTwyIp2wXHdN3qvuckV8S9/reHiXAuzby1agxq0WKxpyUPMmi3tq+aDu15"
    "mWD6HdY5i1qza+TIUa3PYyOXKw+15OmGnPy0qkYxHA2WZ/UXXDzWohc5JQCdlmNjrWlV0B"
    "Sl6qCyRSA7U+pUWn5TiXV512wcDcfieKkEPYYMrKCUIArdVT1pRgXwwJFhvoeVUWVN06Vb"
    "eE8v1bWGF2PR5zYqR98wN6VdRvVK3WZ+nYtfTvR7aQp3yE41o3lYYbZZQoSm6IOTnVTCzx"
    "5AtBOArmKk13EBfEDRD2DckqW7zuI2ja6N421GFGBJqT2zYnj5VnRyxmpbpEwjSdNTml8/"
    "lGZkleEhYrWKzMi9UNGcsfMr1j98QryaBcHVK5YPnhYDm1y9F1w5WRENJCaLjUS8rtx7OX"
    "r799G0YN38lVJ+DE0cUoctm5J3Oh9jRxVRQx2tuEh3mNPbXmDImOInoIT+QbYwpPNnJPy1"
    "zN6Gr9ermaOaj7kaxWhmXC5hRzuz6S0XiIfFpHPjMatjBg8lIQ/VxZJSnnwUaLZE4Q1sjW"
    "rZG5fjd8s/5RHOjk1uq3NTbQr2Qkdf4TXroM59fGkiFrbKBwcH+eGV3DDIqGh7UgQ18u69"
    "ookUrXosdoQB1dU4uRQyeE64wqvUvbAqst2EaEPhCnhziTI3wyJ/KMGj3kzB+ak7SauKWl"
    "EWTsuVPXIsoD30837NtGEQvsfLZtcgG61Wy/Ww3U/3Rpicypls3pqKjb8mz9RKATIcDOV0"
    "c8dcAz5tIq0+xhf1nCNKdCq0k6yyhtrTuwn0dZZQnsEvXzy09nN7+YcT83ZKGd/3J3cVZI"
    "Cfy3KTOqqoNRJAHk/ubkfjDX1qwx/a8K+pwcKMBKAa1xOQXxFEofmU//rcEy+JwrY3rVTm"
    "c0uj/NDF/fwkCqxSXoAbsB0TU3WLV1UsHbIRkzn6CBjxd9tXW3jt4ieV95Iyfc/dujLlIm"
    "qN5r3GNoRqSaR6oZq/xbSiPsutHlDL0Pmrzz+u6u4RUKfVyhy0EruxyA47j9HbHDD6CAZ3"
    "kcKJXohLnbQKvTeEazddCzcuCkt85Jb5tRcRPo311uUegBNc0JPx5bK/FMB8ejNV2t2ipo"
    "3lNZYg5ecvT8E/PIqV6gVeXvi2M0CCeRwalc/udYCOJ7YdHw4L8GenEf/M/gHRpEU7d6Nw"
    "aIzOZiKQW8pTlJbQ/PYLQv0vkxIwoWxmFYGLAcNtD5O/NZWAC9ItZBtLdf36AsCDX9FXGu"
    "2Fo6K7Th1tKHEzHfxs7SPnPdYL4B0Hk5wLoG1rCnWGftadjnqrk6w7b4LnRyZPJY5OFqPy"
    "UasNY5CXfK0gUrcrYlvKcte8UlSoCJ77LRvWIexYIQXdIyk35BVEQ5QCMWSC2EiS9zwuYu"
    "QaMp9uQvQc/VJS7u8MSwiVVD9zQ6H/I1lloXzF9GhJdG9lHOB+S/bDv/paCkuoAXBFtBZ5"
    "5E/700/E/036u985z77fPVzUWk6NRZNZjJiLSjxYy6bWdazKRrjY1O8lLtUEunOv/ATuJH"
    "sJM4uIOwkziouahm2EkcdhLvCtZtYVg0x3yFhTk0nJ7tVfItIVPtxgPX8i43US/neJtANJ"
    "I31uFV6iHsoSkL/LD8iHLFkrjEUX1DsCu/ZWcpL+uzGRq4bDHQvUSmdDIdZGiSlXbQqipJ"
    "MNdQ67TH5zDyM1zeLyxNyqUlqceAEPFhhIhTFdadNFOJDk6Y2w9aQpbf1tkvPb9YWs6xDN"
    "jMrbaZ3bA3i41mIxFQbKsVq2wN6282kgHVtlq1pSRglRXXRR7wCZX+aA/qVlQ6YuHpXg1P"
    "jIvarljawFFfJOfonOqKmbjyZiav6VPsUk6cwbswBj1is0xtjpiq3lPSw4k2eXcd9JwLee"
    "pPyjU8ni8N4fA93P8RjSb3b923qDPWtmz7in1LY4XarnQ5Qejx0+bVLvtZ26p5VRY03TZN"
    "t2R9vQ0bBJU0s8ycrVxdM+0U67Ru4nTivaReTy5VdDRFLuaCo8AT1FVsIFUtkR3VSdJH5O"
    "uc+qZ62E0vYtleCY90YlnEj2Rin0poTX+luA9hdA0NmLmvkvrqMzfVD255Ey1TcQtIXdtr"
    "6lr+PaqLdl4K2DlIYngqq2PrelmCgnen4Gh93kDHeUlQc7vVHJs1tkrOyIEf03IN98v6wJ"
    "UTQXmp7m1ytoPyVDJjwkC2VfXaiyW6gG/VN7OLVnvSdfYM01Y53IkAoF0P7ZawIXfEJaox"
    "wfLIQIakJ3tVXIjIDVvLhlx7UVcvlW6l9s6ImnM9j7tK8+OZgzgJHeBvDYGCja5Qu8VXL2"
    "14S+ZspMOknPxWP+uqbS129xonOPzVHrqMPVbR0GWsVW1V9NRZhLii/0QisWHnibaBvOPW"
    "EwJPrGrp4vGPqqI7HBtqJ+VyyVJds1guGd+lBrlbq5ZT9k4By8qmw6FAl8B8OilHV0m3gJ"
    "KoaH5ApTOQdh6o5w2coVTiNNvNohcVYvAe8umE69YYyhJDQ6Ib+Al2jD6pDn1x59+e2nRv"
    "EVdokBHzVTRU/RK1F58poNrgnR+RaATxyibilftt+9CiVK7dmJxQzA7F7Pu2Ow+Eb4Aq5y"
    "dWefsjmQ3lbDel8xLzKz+g0vyaJUPrmV8/K6uFsxkZMmepzBdV7ZoxjIpmUy0JI9maT+7J"
    "t6haJVdz6WGFblaZK9XIGEsx6eetU8gca6MlBpljO+BVO9ZJrk3QqtaNNutzPL6DK/P2A/"
    "+ceqYim2ojNxEC+7bV9u2EPhDP0rrNynTwC+qabftet6QtsWvTk5U2bdjWtj+l3IZWjAiE"
    "aOewYKi2fla1EdhT5RHEl5+/JxTvx9AMOwRRoQorlmEP3pDMU3zeOyQfjHjOS+a58uTCp0"
    "L1cNH7f8SjBHFd1TzGxDHu6zHMFviQBdrxj9kV6CTTmlhAlUkM1tvOrLd7+fQ26088voNr"
    "z/att2S+qe3FxQLwnh4mg35AMe62pem19zU9OMdiLn/piM6xazOz54Q6OL3vpDloWfFDVW"
    "J+lwofmk7Mj7b4KAJenl2WEWm+TXuHMszGKrHcBvhEAGC3hL0l5MVF4qCXEBj5Ab0qEiN1"
    "9usSGHMXe6dRr4eIOOBowpCY+iyYTOMzQj47V5wB8TKkgUuww8OmtKpAQrBwW3Q5K6s+SI"
    "Gz/JO6PDc3Ymr43o/YnygXJoxTcupFBVOF9GNBiAe2MR4I5MfOnErY62i31nEJ/1FRRlnC"
    "f+wQ4aM9zAY7MY1Vp8PAYKBVNORLJDr4Qu8gFquXexsLOJUAE/gRnkdsgVlBn5EB8B8D/m"
    "hKnMCU4lEBfkamHVujdWrHugPhwiGbHEjxFpHisDXak1AzFA3A1mhdwbolPPBPPhNM6u+G"
    "TAn2OXaPDFxwcVCvig+eR8P7fm58vYINjBKpMLEszjLTm5YJlssWO0YDzgLPGZyqJLEZXq"
    "IhQdifqVbBelt5JO+pVaeuJaaUK9q2pPCjqTtbdi2OniLi+eJVqB4RbNYEcMHABR/I5LvV"
    "BCNLXPNSACrkGD0VOxtyjJqysoXa18NAfpayPakAJD6amvuE1HBfW6VW8ZJVwQ6+wTsImx"
    "BTvlZ1MyVjutZBv72NVFBkZmfsy38JaZ3Y8PZ5KQibPCZsohw/w2vPmEuwV/LexzIryA+l"
    "ULcgP7++vspBfn65GuH+/OP5xc3zVxr/tNtg8U1fTJfSRrHKMsiIQJ6BdZ6BfOnV81tMK6"
    "kETCmPmlLGYoF9yz0XUxmwVkqslbbRrOZk2+zpXh1qtR6heobi8Wi4RFRw3bjvXVJVy/GS"
    "R21u1MmI8ODHaOCRBeFicBqmtwaqyUzIYxKkNhnlxp6Du73ZflJpEwYVEmn3Tz4BeQqJtN"
    "2jgKgwZWCVm7iJQCcQbtrEDRcbC8YtFegSZwEZVhASgAwrUDNkWEGGVUexbpnr//fQ4V3D"
    "AGRG9WrlWGXSv60IAczTTrcLeVC150LPB0KanYMXuuBVjri6fH+LfF3zqs9KXQaqrHTQUw"
    "56WCk7cOhEue/St3/xDnl684CoLr+SJGjkAb54X7y7KUGxnCIgFP+G7slcqBuo252iXznz"
    "hmjBAtdBY+ZPiNDsg9rsQFMRMZvBe4q+CG+rbjEi6oKY30e/1chRJKqKGApNcCjuoXAq/C"
    "GP61wG3AJwCwfDLay8/3WBXREDWFd93HCKKSBa7uMmAuDjmrJKRlMyw3372qyiIOBrwDda"
    "9yys4FSigxbw2zc1DOC3b0rtX3VqhWOUVo4VxRiN7wS4TTOMsa1pA3hWBkDfAPSx/J3yee"
    "yaWGVkIHvhEdkLnuUG9t5jtq9/2hk6QLdvpArgYQ90Hek2N3gbZp2XcIKZs70qLjDKXa9J"
    "AXoIe3SG3WM0cDB1l4PTTC9+1dFOsV9sjMau9KM1DzdmzInb28V58rHBolvdvdO1k4L6uv"
    "qRqC55DyRkzPQFBJ4YqMA9PohlCWZJllGvMnsoUOlD8VOqg33q9QNenkSEfv54cXOBws5N"
    "6M9/Qc+in/LsSM8NVQ/kj9enM+UeSAls8YHskqqyqJTeHXKqgPds33oEOVVtXdJzhN2cjK"
    "ipn1tFNnUqAijXRJl8tUI4HN5BdLdfWDekvpj2lTNmdvPMCOelqly8GpAfTjd65bGtFrKM"
    "TUtWxcaFY+NKVe/lbBlSuyaToRnpjj9+7Q3ZEJmJADRk3Am3aXjZq8nNht/1zrCb0P3yCH"
    "Kz921OHBxZDLnZT0LNEBOA3OyuYN2u+MvPhE6m4qg8BBMN6NWIwvQX6di6HS/jvZO1KHHy"
    "jSYLgZO6QpZBjvj5N+kzWfztQOkDpX8gU9x2KP3851MX17wUgAo9Jp+KNRsuFf1JUb0/uA"
    "yXdXfKCK3od6ykuqXTD9efz68u0E83F+8vby8jbitRoj6pDqUdtG4uzq4gNW9f5BV0TW3K"
    "O1Mv6SZ0R1YOlofWLQ8tcQo/kAc6Iu9dTGdHBpcwe7pX5RA6emB/lIysUZ47kpdBQjl4M3"
    "xPuHTzwqugewmU10NMlZyqTDbOmPcODaJ7UEdVvyKJP/EfiKN3rY3y6MbU5wIF3FyNu/P7"
    "PTbTLkNE1/BDs5D302uBQwoOaTfmcQvfSX3aRlAruOJUZDumyPqXuDFD5NXbGnbIq9UlLz"
    "VD1CkDwFPMp9YQx0Jg79W095pMl2x1Ns9O4HXZCAtj2L0c4qwMwFwLZojGb7LiHYTnAmHa"
    "/XxS0h2gUnUbfFJ5SfikWv1JJV6njYeQE3qEd9CyhWo7zoFPJpQL4m+0HBWEt/D5HA7KB/"
    "f1+OSB3W+o6KwkaLltWm4XYSrnA+IJat5CtjCmV4c6zQ+vwZ+Ggs84WuClatWHw0Z+Q1++"
    "x35PbUyQ/ilHKUc87u/HibydiBsIykci8jU+RpfyVMSJxru8DlkgVH3yUB1yDNvJ7vE5LP"
    "nW3CK5Gdea6Cg6AmRrW8nWvZpRB2QfW9hRASe+LTuVlekczbqjQlM1JVpzrSti4FTX5Kl0"
    "9MxulsjKgK8FvN8TMcCB93vyvN/hTFkH90UBcfGUtGw3b+alIAJZa9qUaw03hXnL04FTiS"
    "5A3ERGcEs4uTPPYwJHABXYuMzZXhUPh/Pj6tWzrezq4bCFh5xAKUZ15wu8koq2WmLGDTbk"
    "ybgv3+P2zqjauN7o2xh6DESvfHvd9Qb3rIe8v32E9pKvoS6mqQSAuZp5ZjdJdG6Lh0amCa"
    "j3ewJmPhZ9Qxulilq/WADq/OrU+UHxWVNOFOyl8jQ8qBuirlHSmj092avyn3w9rJ7vdIbC"
    "0WE5lnZ5kENG1NG9zJOcAerEiQIjNpMP7xyjQfId6xbqjBM0VTVbVKAF5j39w061cLxx2j"
    "P+Dg2G2PeJMzgtuGN7e5Iv3mK6jAYj6XkiTjwhz7NAyFsQeU15QyUd3TC8oNqP0SVR+Rmb"
    "k1JPsSoRIudD9tYmP4QA9aWU1jekO7Qw3QF8TPAxDwFMeQ+T2VbqZCbju+Robq3nJXjsjX"
    "rsPnOtkp/i8Z2whhvwNvCMBaatBKsc50QEXOcWu84ti4018C6HZr6N75xKdAHiJpxnYFM3"
    "gh/Y1M7ochtLQkQ42CwIGZEuzFW73uOCEyHcjXK78pKQ29W2aaot9G3gXTwQr2xvzezpXi"
    "WFG3h98hBtzV2HxeWCzBVPqXnTnmJBXXKKBj4ZMT9sm6UYzF9Z4HvYfcaRfJJbKTInDsIc"
    "DZeC8B4a+2ymeM3RVI9WDOwIe6rSyydzFy/N3byavDVk4hySww4sKbCkhw0m8HqQidPKd/"
    "ggjDLwHRvzHe/lz7JxHOPxHWTEt+82hqasaSnwsL8sq2GIZVYg1gbvAYJcNblHuxom85DE"
    "8vzy09nNL2Yi8dywC+L5L3cXZy3Kwwm8G4JHZaUM2dO9dY6cnx251pf7yBbIZd5EpZYIxu"
    "5j1wiHCSpTonNkWDYjJUqZ8fiC+FzK6WSZq8v3t9LbGrlsdF9023Z2lzUeWnQt9Re4ai2y"
    "wcBVA1ftsMEEV61RVy0zkVu8v3kpeIdXQNXLrq0DnAiBB9xqDzhKZrZVb0YMFNxqBbtkLD"
    "YILWbEQMGtU3CL/NHSmGKdcGLtQGJYf3Ca7PT6JTg5cb5DPp3E/3yQ/p/K0dcxv7ik4hgN"
    "VBWEKqgoxvuu9ZleEu97hwbzKeak70WjdQxR+Zem+OJ+n+iLN/RZMJmGvTT1IDUY+1INQt"
    "53oHcqCtMfueq6OZQjkPz8hLromPkj/QSZGhPsz9TuRVR+64GudCFqCefYPf7iffGuvWhv"
    "JBpWozDVkPP5gMjPV6UfDOLjeq+kF6qJp66GUWiERS88AUreXP1N3PFGxSl00l+/EW+gC1"
    "MUyyGHB96YepRPw+XKWKCCfv54cXOB4p+DLm/Rp89XV0d6Js3cPbNHad0niEW2+BTMdzId"
    "p+ttS6weJZIrvX/Vz9XTW3LbmjeM5OvfUF6T+HJJ8Ta/Z3qJittCORKUIx2QTWLD3oTzow"
    "WmqQSAWQTTJnwVDe9g9Go3rWz3u0344eQ62m+9bvPWZkS6l627q5abeSul7rtbEITXd+X1"
    "FdLRLCJaypcn4zfizFsG4bbLP2OXsx85opYva4k4GAklMNvMuVkZMBfqzbrJ++gFsyHxLW"
    "YJg2SXYmzbmzAS+qgI7t9urz+VoJuTWiWL6Uig/yCX8p0BnHGIhwF1BfX4sbrtPnxihVKO"
    "Ny7ULq6WKa7ML+oCq7WLnJjiM1Vh5FiiS295w5FkRZXazOjx+OZm86Ndvd+7TlyE/mxNLZ"
    "khz1+EubzKPJXogi/YdJV5npi3CbfmJSHi2rqIa07NOky3iZazglCu234dm8yu8uz6VGbD"
    "7PrD0ec2k+tztoGKZFvZBbFAB22C7Ztei6lhZ5FyayAa3gGbtmlLIErbsHPbMkLNeW4vX+"
    "3qXd6L3xZiaL80Z+XA/Gr10jwkE+xtoOKsHBhfbdZwnAFlq+GsHGi4zRpud11Mx9ZE3SXX"
    "wOlXt9U10fk7xPxkt5BvLUgSNTezCpFkZSBAsvUASVS/ZXLXK1o55KSa7Odwcryrd33H7R"
    "zk3cZUpYlb4pyRApxLcG5JRcedmvlLajqSc72qqo6kJXudug49+DSt8Hd8vPCiCoGerhyY"
    "soWqUNCW3TEa9PngFHEi9eFwJCe0qC3bM47wV6pKG3KlEqbGcE3ccl1DuDANAVoNtMhagm"
    "R1aDVw2GBap0VBNlSloT9U3WNsQhGJQAdDETtJT9BLr40flQg070Tt5/PfibvUEv70gNRw"
    "cPRaqCq71oYZGehuWMcdDgGzZDIzQl1adRtmNGFTggaWZ59gzgyvd3m+QCoBKQPWKQPhPp"
    "qW5FpWCLi1GpM2hBa7bvuEmrKzfTIyG35Fh6PQ7X1FlqZPRqhD5ZoNWD4tiQ2cEZ+OpkeG"
    "yEB0plcVF8DpmHWBgXIVrG8WZEWiPxUG/ZGcWDk3HpUG29jhGRHgyWpufCo/KguEo+EdRP"
    "fVyUkNdOWoUnT1uUJUWxDTvrLlPGRGBJhISyZyr4vZH/8PP+qMJg=="
)
