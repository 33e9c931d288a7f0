from tortoise import BaseDBAsyncClient

RUN_IN_TRANSACTION = True


async def upgrade(db: BaseDBAsyncClient) -> str:
    return """
        CREATE TABLE IF NOT EXISTS "calibration" (
    "id" UUID NOT NULL PRIMARY KEY,
    "laboratory_id" UUID NOT NULL,
    "device_id" UUID NOT NULL,
    "version" INT NOT NULL,
    "points" JSONB NOT NULL,
    "made_at" TIMESTAMPTZ NOT NULL,
    "valid_until" TIMESTAMPTZ NOT NULL,
    "principal" VARCHAR(255) NOT NULL,
    "note" TEXT NOT NULL,
    CONSTRAINT "uid_calibration_device__c6500f" UNIQUE ("device_id", "version")
);
COMMENT ON TABLE "calibration" IS 'A version of a device''s calibration (welfare/calibration.py); append-only. `points`: [[commanded, measured], …].';
        CREATE TABLE IF NOT EXISTS "welfare_gift" (
    "id" UUID NOT NULL PRIMARY KEY,
    "laboratory_id" UUID NOT NULL,
    "subject_id" UUID NOT NULL,
    "substance" VARCHAR(32) NOT NULL,
    "amount" DOUBLE PRECISION NOT NULL,
    "time" TIMESTAMPTZ NOT NULL,
    "note" TEXT NOT NULL,
    "principal" VARCHAR(255) NOT NULL,
    "noted_at" TIMESTAMPTZ NOT NULL
);
CREATE INDEX IF NOT EXISTS "idx_welfare_gift" ON "welfare_gift" ("subject_id", "time", "id");
COMMENT ON TABLE "welfare_gift" IS 'What a hand gave a subject; append-only. `substance`: fluid (µl), food (mg) or pellets.';
        CREATE TABLE IF NOT EXISTS "welfare_grant" (
    "id" UUID NOT NULL PRIMARY KEY,
    "laboratory_id" UUID NOT NULL,
    "subject_id" UUID NOT NULL,
    "run_id" UUID NOT NULL,
    "substance" VARCHAR(32) NOT NULL,
    "amount" DOUBLE PRECISION NOT NULL,
    "day_begin" TIMESTAMPTZ NOT NULL,
    "until_at" TIMESTAMPTZ NOT NULL,
    "override_id" UUID,
    "granted_at" TIMESTAMPTZ NOT NULL
);
CREATE INDEX IF NOT EXISTS "idx_welfare_grant" ON "welfare_grant" ("subject_id", "day_begin");
CREATE INDEX IF NOT EXISTS "idx_welfare_grant_run" ON "welfare_grant" ("run_id");
COMMENT ON TABLE "welfare_grant" IS 'What a run may give of a subject''s day by itself (welfare/bank.py); append-only. It is held until the run is over.';
        CREATE TABLE IF NOT EXISTS "welfare_override" (
    "id" UUID NOT NULL PRIMARY KEY,
    "laboratory_id" UUID NOT NULL,
    "subject_id" UUID NOT NULL,
    "limit_name" VARCHAR(32) NOT NULL,
    "value" DOUBLE PRECISION NOT NULL,
    "begin_at" TIMESTAMPTZ NOT NULL,
    "until_at" TIMESTAMPTZ NOT NULL,
    "principal" VARCHAR(255) NOT NULL,
    "reason" TEXT NOT NULL,
    "ended_by" VARCHAR(255)
);
CREATE INDEX IF NOT EXISTS "idx_welfare_override" ON "welfare_override" ("subject_id", "until_at");
COMMENT ON TABLE "welfare_override" IS 'A person''s word that a limit of a subject has another value for a while, and why.';
        CREATE TABLE IF NOT EXISTS "welfare_session" (
    "subject_id" UUID NOT NULL PRIMARY KEY,
    "laboratory_id" UUID NOT NULL,
    "session_s" DOUBLE PRECISION,
    "between_s" DOUBLE PRECISION,
    "updated_at" TIMESTAMPTZ NOT NULL,
    "updated_by" VARCHAR(255) NOT NULL
);
COMMENT ON TABLE "welfare_session" IS 'How long a subject''s sessions may last, and what must lie between two of them.';"""


async def downgrade(db: BaseDBAsyncClient) -> str:
    return """
        DROP TABLE IF EXISTS "welfare_gift";
        DROP TABLE IF EXISTS "calibration";
        DROP TABLE IF EXISTS "welfare_override";
        DROP TABLE IF EXISTS "welfare_grant";
        DROP TABLE IF EXISTS "welfare_session";"""


MODELS_STATE = (
    "eJztXW1z2ziS/isof0lypXiTTJKZc7b2ys54N97LJFO253Jzly0JEiEJY4rQEKAV7d789w"
    "PAdxKkCFmiKLrnw25MokmqGy/dT7/962TBHOLy0/PJhAWeuGarkzP0rxMPL4j8h+HuAJ3g"
    "5TK9py4IPHb1cByO04PGXPh4IuTlKXY5kZccwic+XQrKPDX4hi3ImDlrtJoztMBrxOnMQ9"
    "R7hzxyT3wkn04EcQaIMyTmWCCM1GfJEfJPgnDgUIEoR9hd4TXX17i6vyQ+Z94Tfqo+w2ET"
    "+R3Um7X2xsCjvwdkKNiMyAG+fO///kNepp5DvhGu/vzXyZQS19H/PpnMsTcjzhCLEzWMfF"
    "v6hHPJIh5TxrKgzrdhxOBhRKWZv17q2yeaWvJc//GHolzeDfWbciKlmkpfH8a0v/xy9eNf"
    "9UjFsvFwwtxg4aWjl2sxZ14yPAioc6po1L0Z8YiPJdsykvYC143mRHwpZIu8IPyAJPxw0g"
    "sOmeLAVfPl5M/TwJuoaYL0m9T/vP5L9GmZYcPhp8+3w5vL2+HwpDS91CcU5B9dmkjeSjZR"
    "TygW/+uP8LkpQ/TVE/WC9x/Or59+9/aZZgHjYubrm5pdJ39oQizwMJVmymWywNQtM/r9HP"
    "tmRicEBV7LT90Pl2MG7YGlJwv8begSbybm8s+XP7yo4fF/nV9rNstRms9MbhrhZvIpuvUq"
    "vKf4nfLXZ3KQBXvj8bvhbnwhZW+6x7XO3+9eNWDvd68quatu5ZkbsUN9VYnFF3R25Qkzk/"
    "N0BVbT8FzYB6tf7ovPM/UFz//91avvvvv+1Yvv3v7w5vX337/54cUPcqz+3PKt72uEcXH1"
    "t6tPt3k5qAt57k98ovijToQS93+UdwRdEDP/85QF/jsR6Wn8jyOc+DW8vb366fLm9vynn9"
    "XjF5z/7mp+nd9eqjuv9NV14erTt4VFkTwEfbm6/YDUn+h/Pn+6LB4Aybjb/zlR34QDwYYe"
    "Ww2xk+VJfDm+ZBTzeG2zj+WperibvXrzpsF2JkdV7mf6XmFJpUqW7ZLKUcKS6vSScihXXN"
    "5GzgXSHQg6UrhAzruX8xJzvmK+M5xjPi9L+laaQWYplwi32kCPSLKX/32bE2q8Sz796fy/"
    "n+UE+/Hzp7/FwzO76vuPny8Km2nCRPtVViCFVdblVTZhDqlYYTX6SZaoD6srr528fd1AOX"
    "n7ulI3Ubf+KHOZfFtSKblt9JMyOayqLq8qBTlKNYN6Wwi7SAuS7pqkFeo6vcsggurCGE/u"
    "VlieeqU77BWrGlu+tXi1KF7BHp5pISluqu+M8XoX+4sTE5CvbwxqMfxkSCMEX8ylPEO03C"
    "PE4QPEfP0vhaPjCBp/h5hHEFsSD/lspS4izgJ/QhD2HHQnJ9spuhIc+YFLOMK+hty5YD75"
    "k/6cIRdyCvPT5doM6rf9EV+9r97oN0nsYXd0ptwJnCDiCX+N5FzmxEFUIBdzsY1HIPwoRa"
    "i+aZNXINBuAf196qdVegTQlw+X15dIrgP5y5QChq5u0KdfPn480dtT5v3hL4i2GLrxA9L3"
    "h4S78knUAY1Gr4QBYIx2t+4C5S0CjNW+inTCNdXyUgpAoJohUHopW3A4Ht9D/r580cgf9K"
    "LGH/Si5A/iyoFLhRWWmqXpIZ937xdayCNAKhw2iEuGpBcsbhtsyR3GNrZCjhBw685ZCjkM"
    "IFHKrM3/HCXYg52WchwalRdwpZKbjO+NI/3Vy9ffv/7hu7evE/U2uVKn1ZZd5Mq02mK1ZM"
    "hgqXR5qfhESNt6u3MvTwpy7rKc8eRO3nKJs51z3kAO8j4aedsFvhhI++de2k/wC1ssiEnz"
    "qLbaMiR9YHLbRhufE/d+qx0tTwmbWZc3s1hWdvtYnqoPq6uFLSxmmjSITFH1zdZUQgzLqv"
    "vLaugTzE3x59WHVomwD4ur7aMrcmqW+V6dIpQheUCe0PHwfUNWUFdCAJb0P8m6Kp8vuTmo"
    "DQVY0uEd0QfV5mCAc7T02czHiyccrfAaUW+AxmudJHfz4fz5qzdvEZsiKjjiZCKt9FM0kr"
    "KXs1Ewfz2kzgh9Yh45k3SCIey6KLlLCY9J2UpOonIMQMvvtnTox0l7odc6k6TRxLMeimCY"
    "yayscK4Xvfjknt1ZvyaiqnkN5BUeNK8wP5eacjtPtUuuH+02nYeTM3uBDV9LhHAA5jmr/7"
    "/E0GrrKB7fC1/xvkOHw7PMOkS7QAasbsLqCVPPKHH57zefP1VwOaEompt0ItD/IZfyvbnx"
    "DrMtKF7U2yNF06Owf6gHFO0RSIbdRhRHZ/RvnwCx89wHEPM+/bqJUWIp5jwlIHhdlrIOsw"
    "i2C1sr0oKkj0PSU58tbMDaMiWgtc3Q2q7gi6oY1okJW9Q3BrW4YjJkI6r4JSzDFWbw6LQe"
    "HGN9Kj0HJ7W3dKWuAXKoowZJMRHnHZKfQDznOfNcQ+LQ7h6t0oHOJYVU7KVVhcSKqQwjDR"
    "wmNcJG8u7oTP4fl8fYCI3JlKkMI11PzGGefL7KQpqzlbomn0ycU/TZI2hF5bII5Id66qoU"
    "A9MVzFx6TxwkGBLEdeUHjLyRfsDIoTPC1ZsUZLl08SQpXzaZy3mKnkYZTUoEQ33pdLl+do"
    "pufTqbyR+MfDINVDbTPfHXKCx/UQV6KmhTy1F+4ITJWfCPOhg03q4bphTpD4xpIKHomBKK"
    "olnRHJ00HfUAS8aT30Z/imnAEOq04rSUv3RClyZHa031kixRL2C7tr3beGIualcXdlhRzu"
    "44Gd5CJp7AvtQQbOZ1StELHrc9qWPly2JWZ0h6wfJ9Jz7aByNBFNKDprQ0RqjVPp1SwIRu"
    "NKEXTFgl8qYUMKG3SOMl8mdzc9hGHc+zVMB3e74T32e+DcsTAuC2PbdDUKvM7moveUrxIC"
    "/58fB9L05yPBXEMMur2Z4QANe35zpEjVnJwCZqzA683WG1+UcD3maLJiuHgYnjHvbXZo6n"
    "NAW2j9ciDHo6Mn27jovRdpDsHXLruLj6dH79q/movDBsHxe/3l6ed8d3954t5D2nIjkgc3"
    "dQ58WbhOP0oAbZAdFw7aVazUno/OJC/snPtH9q5I3EPInTD2vtnRSk95DnWEbtO+SeTki0"
    "Q+PJhCyFZVW86EuH4ZM07xqF7j/oZTFxzesghP+gIfy5idWU2Tki8JQ1CjOvtvJ6FWbeuh"
    "PFn1lFQsfjIQ76AcYGOAwPMtepQxZLJozlMy4Ycwn2qg7HLGFRS5aU/WL+xefPH3PMv7gq"
    "cveXny4ur5++1JKQg6iosEekGhlgYUq2qGV4lgzY3ZzdDsGOSz3rQJMsHQSbdDrYpGBP2E"
    "i5QAqC7rSgtbFbFnFNKmBM0AvlYN9OU82tbYo6ZehgBXV6BRmQ5zZg50MvnB2XZyVLNjGk"
    "JNdh+AnJVgztmBfkMEA+BCm1axv6gWcJ4qUU4PErBI36FLuW3MzSAD+75ly6UUpPvYcpGT"
    "Jo4GYaJrrqZmeTypvSw5UXCMceoyccuXRKNmSFWdIas6LiTw7nplefFpVD9rUKaOHtCVXL"
    "jQ4myJPqZJ5Ufp403ffyVOAL2hw8Aiq8tQoPTsqdT0xAZ/aKzkC2ZG9RGfkoxZuScKt9zi"
    "kFRLhu73SG6Pk28QTd28IfcvK7nU6epwP8bFv8DFDLtrjeEaTix9BsNgAUPyYGdTUukRrd"
    "TaJfw9EIc7QkbOkS5JOZPIOIr3tFh8VfknhVNUz9IZ/JfN1HWg5fMl/owaag2F0+Xje3vi"
    "e+Ah9GSBcO5miliuVEzw6LwjjoqYq2vbzFs2fvdOCtft4THj2MI5fgex2di13mkVM0WrCw"
    "t8lIMspnC/lVTIEmabXtSkylDkAppVNoYW4AUXTb7MheUdeG1BumD6qEUqIu2thZUA/9+S"
    "/oiS/1Q8nkJ6Ug3jjEsFn0bu5L6mJ3C2+JOWrxDk2yK6wIooN3HR3ciayi3RkzL6L/nhv+"
    "J/rv5cEt82QVldhdbz5m6aBQYZctSKhDvt8GTZpBFvyNx/eQv7tHthyf3pvye6vZm1L0kM"
    "G7r+7usgm2LQyVpekD2tFGFzcihPwEuzL6GZr2E0gyCuU4oK78En6qXnsInXI/5fXxEo+p"
    "SwW1625QpAPR7Fw0nMrVKIYGsfzVZbiqB16GqCCTqaLalzS+e3H6on2+//j5l4uPl+jn68"
    "v3VzdXkQwSvVPfVJfS9Ifry/OPxXQTZcrbbPwJQXtH6wnxFLmzr6m9bwXGpd6d1dkajW+R"
    "w2w6jbNZjpHDc4JdYdUFKKVok8t3x8pgjqdE2DX6TShaZLB66bGyGPwvh/B6QdR4u17eji"
    "QRHZEUjg1rDFkw3gpRLtKCpLss6chJWhZy5YGVoWgv7PTlfg+sncWcQq+/R7FqgqWzpZjz"
    "lCDmTos5XpNjK6spT9VD78VekPV4YdjxOk8FvK7mdacC1i7vVVWhyqi18PZgc+jakCQjNw"
    "aw3bAFEXPJeSRUINhcp8ERB+kOauHjdAc1wTJhZk8Vv9HIpRN+qq+MBmjEye+q+1n4KIJ+"
    "Y4HvYfcJR3L/oep1z8rxba2/3ZjVV07UG2QQiCj8Vi8fi3y/yA/eNO8vK7lhQmwZyNW1TI"
    "mDZgIe/5ELlSYfKmibRHUIdNlr9yg1l8v8rXZEx+MhzecBaT5m4H1PqHvnJvWOUQzr/J2H"
    "JO50lJmPJ4fkry4h4sdArE8MCnl6s1Ydn6phQyce16wnMvMImsuFHSrBSvVCDiP8DHHi35"
    "O8XuyTCfOdUzRSBCPVcVhqyg7TmSHymusQf4QWeC01Y3lZKcemLJP2Xrs5AaRSt4252DhS"
    "Mtilj/awNS32EiVZrV0qqdqwOh7fB6/hviNSw9Vhx92YAvi7mb8RN4zOm7qzOk/X3pG9r+"
    "C6w8QccOpNrBGIhAhw/86BEF1SxjT+WVF4LD+ggVK2A4iUehpq5MFSakhUIXtysyWkOcpZ"
    "9wDLVNl4eTRLSs2wYBhT7iJpFAqM7XZjrVbRuob0wja7u4xGuWWVRVvT8iYa3wsgsu2gvT"
    "vqWTXujccDs7dgNrS6OQjbIRC4XX47RGBqmOM1vo6EArwddt6OLtknHxQMVmWbfIgwsk12"
    "SYylNSk9pOHaFRVzhJGmjntjspU3QHjBpMXBpZbvY/cUjaZEmtnO6EzV7bmTygdXo3WZHv"
    "4OjVL8Q46Ys5W8KYinxs4xR78xKg0WU32ig3zDA2Dkw9aLeFQwMvVU81YTHlRTXChDAyEK"
    "R45t7jk8vWVsU5pwClOx2TwyJL3QXPcN3qvqcmX+Vs7reHifHOy7i1agxlaLNQU5qLnJ4o"
    "FKPqj39abkQ6j3GHbtusaXKVGLbS+TK0fb93LGTD0vazkdkwCfbfqLqhdulwuZo4RMyC6j"
    "0bGs7BJQ8lR9AJFayPWpTDqt5nN11mkfFMzdV6IIMYQttqwcITjQOr1lzQn2xZhgsYWci7"
    "Qg6s6JuiOQ79/DDLPP0yknRtg3P2BQB/1G2WpDlo7dCP9+YCt5y0c4znVTYbhRRImC5MaY"
    "kzONxBJPTgjCUbBUYbqjOCFuhLBvCFbZ4XMfANNG77aBDjMkUJzctjh5LDw7YDFL1ScQpu"
    "2oyTldLrdSS/KUcFjBYWU+rK7JVP6Q+S27I15FBGVxSO2B5YeD5dYuRzd1V0ZESBOh8Vof"
    "KTcfzp+/evM29Bq+k6dOwImjk1HksXNHlkL1NHGVFzHqbcLDuMaBOnPGRHsRPYRncsaY3J"
    "OtvNMyVjN62rBZrGaO1cOIVgvDMmBzjrldHcloPHg+rT2fGQlbKDB5KvB+Fk5Jynmw1SGZ"
    "I4QzsnNnZK7eDd+ufhQHOLmz8u2MDvQbmUiZ/4zXLsP5s7FiyAYdKBw8XGZGN1CDouFhLs"
    "jYl8e6Vkqk0DXpKRpRR+fUYuTQGeE6okp3aVth1YJtQug9cQaIMznCJ0si76jRY878sTlI"
    "q41XWipBxpo7TTWiPOOHacO+XSSxQOezXYMLUK1m99VqIP+nT0dkTrRsSSdl2VZH6ycEvX"
    "AB9j474rEzPKMuFZFmD/vrCqQ5JSoG6ayjsLX+sP0iiipL2C65fnH16fz6VzPfLwxRaBe/"
    "3l6el0IC/2mKjKqrYBRRALi/PbgfLLU2awz/q2N9jg4EYCWAzpicgniKSx+YT/+pmWWwOQ"
    "tjBvVGZzR6OM8M31zCQIrFJegeuwHROTdYlXVSztsxmTKfoJGPV0PVult7b5F8r3yRE3b/"
    "9qiLlAqqe417DC2IFPNEFWOVf0tqhF03epyh9kGbb95c3TV8QqmOK1Q56GSVAzAcd98RO1"
    "wAJX5W+4FSil6ouy2UOo13NFsDPUsHRnrnjPSuKRXXgf7d1RqFHtBQnfDjsY0Cz7RzPDrT"
    "1amtnOYDFSXm4DVHTz8xj5zpA1pl/j47RaNwExmdyeN/iYUgvhcmDY/+baQP99F/jN6hUb"
    "R1q7kxQmSxFGtJ4K3NQWoH+AajfpHujxlS0DCOQ8OA47CFyt+ZZWHB6AJZD7m9+/wGpUGo"
    "7a/M55rW0lmiLVtLH4/HfBedpX3musFyC0bn6YDXDXgNPcV6q09Dn6v28gy7YrvQ2YnJYp"
    "GX6+2UaMBG4yTslKUTVuRuS/hAa/YKS5QMJr7LJncKeRQrQnRKy0LaBVES5QhNWCClEAa+"
    "LAlbugRN5tiTvwQ9VY+4vMUzQxOrlt5pND7kNJZSF8xfR4CX5uyDjA+If9l1/EtJSE0ZXi"
    "LsBJz5IvrvueF/ov9eHhznPGydr34eImWjzqrATIakGyVm1Gt7U2ImPWtsZJKn6oZYelX5"
    "BzqJn0AncTAHoZM4iLksZugkDp3E+8LrriAsGmP+iIXZNZzeHdTiLSFS7cYDN+Iu11Et57"
    "hNIJrIF2v3KvUQ9tCcBX6YfkS5Qklc4qi6IdiVa9lZy8f6bIFGLluNdC2ROZ3NRxmYpFAO"
    "WmUlCeYacp0O+B1GfIbL94WpSbmwJPUZ4CI+DhdxKsKmm2ZK0cMNc/dOS4jy2zn6pfcXS8"
    "05pgGdudM6sxvWZrGRbEQCgu20YJWuYb1mIxoQbadFWwkC1mlxfcQBH1Hqj7agbkStIRbe"
    "HjSwxLhobIqlBRz1Q3KGzpnOmIkzbxbymT7FLuXEGb0LfdATtsjk5oi5qj0lLZyoybvroK"
    "dcyFt/Uqbh6XJtcIcf4P0PKDR5eO2+Q5WxdqXb1/QtjQVqe9LlCKHGT5dPu+yythVzkRYk"
    "3TVJd+R8vQkLBFUUs8zcrT1dM+UUm5Ru4nTmPafeQB5VdDJHLuaCo8AT1FVoIFUlkR1VSd"
    "JH5NuS+qZ82G0fYlleCU90YFmEj2R8n4poQ32luA5h9AzNMHNdJbXqMy/VH275Ek1T8woI"
    "XTto6Fp+HjXldp4K0DkIYngsp2PnalmCgPcn4Oh83kLGeUoQc7fFHKs1tkLO0IEd03EJD6"
    "vqwFUDQXmq/jU520N6KlkwYQDb6mrtxRR94G/dmtlHqT1pOnuGbaua3QkBcLsZtzuChtwS"
    "l6jCBOsTAxiS3hzUYSEiN2wjGvLZi6p6qXAr1TsjKs71NK4qzU8XDuIkNIDfGBwFWz2hcY"
    "mvQVrwlizZRLtJOfm9edRV10rsHtRPcPynPVQZe6igocpYp8qq6K2zzOKa+hMJxZaVJ7rG"
    "5D2XnhB4ZpVLF49/UBbd8ehQe0mXS47qhslyyfg+FcjdWbac0ndKvKwtOhwS9ImZjyfk6G"
    "NSLaDCK5ofUGsMpJUHmlkD5yilOMtWsxhEiRh8gHw647o0htLE0JjoAn6CnaJPqkJfXPl3"
    "oJrureIMDTJhvvKGql+ievGZHKotvvkBgUbgr2zDX3nYsg8dCuXaj8oJyeyQzH5ovfNI8A"
    "bIcn5kmbc/kcVY7nZzuqxQv/IDatWvRTK0mfr1RWktnC3ImDlrpb6obNeMYlRWmxpRGMHW"
    "fHBPvkRVEVzNhYeVqlllntQgYizlyTCvnULkWBc1MYgc2wOu2rNKcl1irSrdaHM+x+N7eD"
    "Lv3vHPqWdKsqlXchMi0G87rd/O6D3xLLXbLE0PV1DfdNv3uiRthV6b3qzVacOytsM55Taw"
    "YgQgRJ3DgrFq/axyI7Cn0iOIL5e/JxTux9ACOwRRoRIr1mEN3hDMU3jeOyQ/jHjOc+a58u"
    "bKp0LVcNH9P+JRgriuKh5jwhgP9RlmDXzMAm34x+gKVJLpjC+gTiUG7W1v2tud/Hqb8yce"
    "38OzZ/faW7LfNLbiYgKYp8eJoB+Rj7trYXrdnaZHZ1gs5S+d0CV2bXb2HFEPt/e9FAetSn"
    "6oC8zvU+JD24H5UYuPMsOro8syJO2Xae9RhNlUBZbbMD4hALZbsr0j4MVlYqBXABj5AYM6"
    "ECM19psCGEsXe2dRrYcIOOBoxpCY+yyYzeM7Qn47V5gB8TKggUuww8OitCpBQrCwLbrclV"
    "UdpMBZ/0k9npsLMbX87gf0J8q5CeOQnGZewVQgw5gQ/IFd9AcC+LE3oxJ6He1XO67AP2rS"
    "KCvwjz1y+OQAu8FeVGNV6TAwKGg1BfkSih5O6D34YvVxb6MBpxSgAj/A8og1MCvWZ2iA+Q"
    "9h/mROnMAU4lHD/AxNN1qj9apj3ZFg4RBNDqB4h0BxaI32KMQMSQPQGq0vvO4IDvyzzwST"
    "8rsmc4J9jt0TAxZcHjSow4OX0fChnxvfLGEDo4QqDCyLo8x00zLBctFip2jEWeA5ozMVJL"
    "bAazQmCPsLVSpYt5VH8p1adOpZYk65gm0rEj/aerNl1eLoKyKcLz6FmgHBZkkAFgxY8JFs"
    "vjsNMLLka54KmAoxRo9Fz4YYo7a0bKH6ehjAz0q0JyWAwEdTcZ8QGh5qrdTKX1Ik7OEM3o"
    "PbhJjiteqLKRnDtY569raSQZHZnbEv/yWkdmKD2+epwG3yELeJMvwM054xl2CvYt7HNAXO"
    "jyVRv1h+8fnzxxzLL66KHu5ffrq4vH76UvM/rTZYnumr+VrqKFZRBhkSiDOwjjOQk159v8"
    "W2klLAlvKgLWUqVti37LmY0oC2UqGtdA1mNQfbZm8PmkCrzQDVcxSPR+M1ooLrwn3vkqxa"
    "jtc8KnOjbkaABz9FI4+sCBejszC8NVBFZkIckyDVZJQbaw7u92WHCaVNEFQIpD08+ATgKQ"
    "TS9g8CosIUgVWt4iYEveBw2ypueNhYIG4pQZ8wC4iwApcARFiBmCHCCiKsesrrjpn+/xUa"
    "vBsQgMyoQaMYq0z4txUggHla6XYlL6ryXOjpSEi1c/RMJ7zKER+v3t8gX+e86rtSloFKKx"
    "0NlIEeZsqOHDpT5ru07Z+9Q55uHhDl5deCBK18wFfvq3c7JyimUwCEwt/QHVkK9QL1ujP0"
    "G2feGK1Y4DpoyvwZERp9UM0ONBQRoxl8oOCL8LXqFROiHoj5XfRbjRhFIqoIodAAh8IeSr"
    "fCH/KwymWALQC2cDTYQmH+N2VsgQzYWrRxwy2mxNFqGzchABvXFFUymZMFHtrnZpUJgb8G"
    "/kbnnoUWnFL0UAN++7qBAvz2daX+q24VMEap5VhBjNH4XjC3bYQx1jVtGJ6lAaZvwfSp/J"
    "3ye+yKWGVoIHrhAdELnmUDe+8h7esfd4QOwO1biQJw2CM9R/qNDd6EUecVmGDm7qAOC4xi"
    "1xtCgB7CHl1g9xSNHEzd9egsU4tfVbRT6Beboqkr7WiNw00Zc+LydnGcfKyw6FJ373TupK"
    "C+zn4kqkrePQkRM/0AgWcGKPCAH2KZglkRZTSojR4KVPhQ/JXq4pB6w4BXBxGhLx8ury9R"
    "WLkJ/fkv6En0U56c6L2h7oP86eZwptwHKYIdfpBdUFWWK5Vvh5gqwD27dx5BTFVXj/QcYL"
    "ckE2qq51YTTZ2SAJcbcpl8s+JwOLyH3N19Yt2Y+mI+VMaY2cwzczhPVWfiNWD58VSjVxZb"
    "MZFlajqyahoXTo0nVbPJ2TFO7RtMhmKke1782hqyATITAijIuBds0zDZ68HNlud6b9BNqH"
    "55ArHZh1Ynjg4shtjsRyFm8AlAbHZfeN0t/8sXQmdzcVLtgokGDBp4YYardGzTipdx72RN"
    "Spx8ocmS46QpkaWTI/7+bepMln87QPoA6R/JFrcbSD+/fJryNU8FTIUak49Fmw2PiuGsLN"
    "6/ugxXVXfKEBXkO1VU/ZLpj59/ufh4iX6+vnx/dXMVYVuJEPVNdSmtoHV9ef4RQvMOBV5B"
    "1dS2rDM1SbeBO7J0cDx07njoiFH4I7mnE/LexXRxYjAJs7cHdQahowcOJ8nIBum5E/kYJJ"
    "SBt8B3hEszL3wKupOM8gaIqZRTFcnGGfPeoVH0Duqo7Fck+U/8e+LorrVRHN2U+lyggJuz"
    "cff+vodG2mWA6AZ2aJblw/RZYJCCQdqPfdzCdlJL28jUGqw4JdmNKrJ5EremiLx820APeV"
    "k88lI1RN0yMHiO+dyaxTER6HsN9b02wyU7Hc2zF/a6bIKF0e1ezeIsDbC5EZvBG7/NiXcU"
    "lgu4aQ+zpKQ5QKXotlhSeUpYUp1eUonVaWMh5IgeYB107KDajXHgkxnlgvhbHUcl4h0sn+"
    "Ph8tGtHp/cs7stBZ2lBCl3TcrdAkzlfkA8Qc0tZEtjBk2g0/zwBvhpSPiEoxVeq1J9OCzk"
    "N/blPPYHqjFB+qccpQzxuL4fJ/J1Ii4gKD+JyGl8iq7krQgTjbu8jlkgVH7yWF1yDO1kD/"
    "gdlnhr7pDcDmtNZBRdAbC1q2DrQdWoI9KPLfSogBPfFp3K0vQOZt1ToqnaEq2x1gIZGNUN"
    "cSrtPbPbJbI0YGsB7vdIFHDA/R497nc8W9bRrSgALh6TlO32zTwVeCAbbZvyrOEmN291OH"
    "BK0QcWtxER3BFM7tzzmMARg0poXObuoA6Hw/lxzfLZCl09HLbykBMowajqfIFXkdHWiMzY"
    "YEPejOvyPax3Rl3jeqNtY6gxEE357prrLfash7i/Q7j2ktXQlKcpBTCzGHlmt0n0rsVDK9"
    "sE5Ps9AjUfi6GhjFJNrl9MAHl+TfL8IPmsLSMKeqk8DgvqmqhnVJRmT28O6uwnXw9rZjud"
    "o3B0mI6lTR7kkAl1dC3zJGaAOnGgwIQt5Mc7p2iUrGNdQp1xguYqZ4sKtMJ8oH/YmSaOG6"
    "c94e/QaIx9nzijs5I5drAv+eqt5utoMJKWJ+LEE/I+C4R8BZHPlC9U1NELwweqfowuidLP"
    "2JJUWop1gRA5G3KwMfghZNBQUml5Q7hDB8MdwMYEG/MYmCnfYVLbKo3MZHyfDM2d1bwEi7"
    "1Vi91nrlXwUzy+F9pwC9YGXrDA1EqwznBOSMB07rDp3DHfWAtzOVTzbWznlKIPLG7DeAY0"
    "dSv2A5raG1nu4kiIAAebAyFD0oe9at89LjgRwt0qtitPCbFdXdumugLfBt7lPfGqemtmbw"
    "9qIdzAG5L7qDV3ExSXC7JUOKXGTQcKBXXJGRr5ZML8sGyWQjB/Y4HvYfcJR/JLbiTJkjgI"
    "czReC8IHaOqzhcI1J3M9WiGwE+ypTC+fLF28NlfzavPVEIlzTAY7oKSAkh43MwHXg0icTs"
    "7ho1DKwHZszXa8kz/LxnCMx/cQEd+92RiqsqajwMP+uiqHIaYpsFgrvEfI5LrNPepqmOxD"
    "kpcXV5/Or381A4kXhi6IF7/eXp53KA4n8K4JnlSlMmRvDzYZcn525EZb7gNbIZd5MxVaIh"
    "i7i00jHAaozImOkWHZiJQoZMbjK+JzSaeDZT5evb+R1tbEZZO7stm2t7dssNCiZ6m/wFTr"
    "kA4GphqYasfNTDDVWjXVMhu5xfzNU8EcLjBVH7u2BnBCBBZwpy3gKJjZVrwZMhBwpwXskq"
    "nYwrWYIQMBd07AHbJHK32KTdyJjR2JYf7BWdLp9Wvw4oXzPfLpLP7nvbT/VIy+9vnFKRWn"
    "aKSyIFRCRdnf91nfGST+vndotJxjToZeNFr7EJV9afIvHvaLvnpjnwWzeVhLUw9Sg7EvxS"
    "Dke0e6U1EY/shV1c2xHIHk8hPqoVPmT/QXZHJMsL9Q3YuoXOuBznQh6gjn2D396n31PntR"
    "byQaZqMwVZDz6YjI5avCD0bxdd0r6Zkq4qmzYRQ3wqQXnjBKvlz9TdzpVskpdDbc3Ig30I"
    "kpCuWQwwNvSj3K5+FxZUxQQV8+XF5fovjnoKsb9OmXjx9P9E6aeXumR2nTL4hJdvgVzHcy"
    "FaebtSVWnxLRVb6/7ufq7S15bcMXRvTNXyifSXx5pHjbvzN9RM1rIR0J0pGOSCexQW/C/d"
    "GCpykFMLPMTBv3VTS8h96r/ZSyPWyb8OOJdbRvvW4zazMk/YvW3VfJzbyW0nTulghh+ham"
    "r5CGZpmjlXh5Mn4rzLxjLNx1+mdscg4jQ9RyslaQg5JQwWabPTdLA+pCs103mY9esBgT32"
    "KXMFD2yce2uw0jgY/KzP37zedPFdzNURXBYjoR6P+QS/neGJwxiMcBdQX1+Kl67SFsYsWl"
    "HG5cyl0spikW9hf1gGLuIicm/0ydGzmm6NMsb9mTrKBSmx09Ht/ebn6yr/m978BFqM/W1p"
    "EZ4vxlNldnmacUfbAF284yzwPzNu7WPCV4XDvncc2JWbvptpFylhDSdbsvY5PaVR1dn9Js"
    "GV1/PPLcZXB9TjdQnmwrvSAm6KFOsHvVazU3dBap1gai4T3QadvWBKKwDTuzLUPUnuX2/O"
    "W+5vJB7LaQh/ZHc5YO1K9OH81jMsPeFiLO0oHy1WUJxxFQthLO0oGEuyzhbufF9OxM1FVy"
    "DZh+fVldE5y/R56/2C/Ld+YkiYqbWblIsjTgINm5gyTK3zKZ6zWlHHJUbdZzeHG6r7m+53"
    "IO8m1TqsLELfmcoQI+V/C5Ixkdt2rnr8jpSO4N6rI6kpLsTfI69OCzNMPf8fHKizIEBjpz"
    "YM5WKkNBa3anaDTkozPEiZSHw5Hc0KKybE84wt+oSm3IpUqYCsO18cpNBeHCMAQoNdAhbQ"
    "mC1aHUwHEz0zosCqKhahX9saoeY+OKSAh66IrYS3iCPnpt7KiEoH0j6jDLfy/mUkfw0yMS"
    "w9HBa6Go7EobZmigumETczhkmCWSmSHq06nbMqIJTQlaOJ59gjkzTO/qeIGUAkIGrEMGwj"
    "6aluBalgiwtQabNrgW+677hJKy030yNFuuouMR6O5WkaXqkyHqUbpmC5pPR3wDl9+WzK9q"
    "IpPeHNR5B4ge1tQ9MFXNrNMmLmMi5YEW2JEXfXRHlgIFUvY+Gt2R9egUjfgcv3rzNu2Nre"
    "jfxU1fhsW74WVVHIkKk6eg5bdv3aV7ItUuYVkOKJQDNO0+PIALjgdwPBw3M6fMX5gU6mpb"
    "PKXoIVS+hwaBQvLChr8JAbC3AXvz56eNUZinBEy803ZhLKyxIQWmeinlqXq4nvZTIQlQlp"
    "6vJmnz2CDD0fBerJ+2gWHOpkJa73YaQIamF0zfu45F/2lgcG2RlYgCsKxtvXghJGI1rROK"
    "/vnw3r5uMKffvq6c0+qWqUPc0J7NJULgdhNut+wu7Rh/2zgWO4KEv8cuHUvJSA5VwOGFEY"
    "M6THySjm0KjOdaCzjknk6I6neXPgg9XRF3KhWAP2Uuni7Xz94h+SFSzX7OPHd9ikZLpuQ3"
    "UhHqSULMAC3kzAx84kgufA1evXj19h8mgPxAX2GMrg9fH0F00Yc9LMIeAG0AtI8Gg81N/6"
    "ZszREBSwssjTeREkMrLYIMRZ9i+3ZXX1Tv8mWG1tQWTSgg4vsBEd/Kab0FGpchA2y702jc"
    "vVSvnGHgCWooqlkv5AIpCLrTgobaqW25MDxm8rlWG/PxeIh8PiZL/kton/6NTsWJwYzP3h"
    "7U2fCRnTucxSM3GvFfdN96NFcZ5zN8T+S/o04sReNYXuYCexMi7eOpK/Vy9FR1GBy/cZ8N"
    "0JQx+fdi9kwFpS2J6xLBy7b6vl9mGbuW7+ETHyvNIteKnIbYNTD1j+TU2o1deuC2Wb1lar"
    "jtWXmjskQ91Kt272UNG9KWeVyTmpGSQFZqk9SM+DS1sQFjGjD+Om38gUnSWswN2Nlt2tnb"
    "hApm6WDf6ty+1TH73sderYGv7w8aWfjJ0KYmvh94aIHXaEbvo3yySBl/wpEjr4/XiAouH5"
    "+6y8fYuzP4ya8EohzN5S9HGrCNa9Gpq+ye+JWGf8uf8CA4QH7PcExm1LNCA2KpVMABhT7z"
    "UTaP7QsgX+7wNhtgDoA59IOpkIQIAA4AOMfH4z0DOKn+U+JyvUWUIwSTqHMmUb69rNSdt7"
    "B6s3Qg4k6LWFlDPnVsgzILZA846I8nP8DinNd22FaAUZ4SFk/nFk+3IKPP0To8qUaNkiGD"
    "JsARy45ukOOxJD5nqs3AStUJEiGQ49IFFTkEB80xR9hjCmhB99gNiG5mgNFqTl0SdjRYzd"
    "em/I09vOFByE9yuFngMlmuAiwDsMzx79UAyxyWqXoDHOq/SkythhLyVIAlNMAS9FFiBSUk"
    "FIAkNCxQTrcs9E+h0H9n9WTAER6ViCEUpa1QlOMoeH+gZbOPKKuw3JddQbYsTR/KZuxpXn"
    "cLTLkJLfmTaiwlHjFoAqXwzOCNSMoHtkIu82a5oJfoCVxHxbiYixjGwAItAi6QSwkaE7Ei"
    "xENixaKqzYsyjLL7x2/GUCoRja4ZhIBwAMLxMIQjXEiW7RxyVNDQoZGpqPci65ZhGSrgcw"
    "M+B0tny1rDeUqw2Tpts8XCslNt81S9sCj6rd2eE59O5iatNrpTq83idMwmJbaa3w9QFk26"
    "ymPpKf7AmkbVumBl1ajqZV9dNgrWfAVSoxaVBYej4T3k7ssXLxpwV46q5K6+V2iIwDxBTF"
    "Ge1YW6MiRQqcuyUtdBD7M//h9FzOzW"
)
