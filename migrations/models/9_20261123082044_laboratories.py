"""Laboratories and their members. What there is belongs to the default laboratory, and who has an account is a member of it."""

from tortoise import BaseDBAsyncClient

RUN_IN_TRANSACTION = True


async def upgrade(db: BaseDBAsyncClient) -> str:
    return """
        ALTER TABLE "rig" DROP CONSTRAINT IF EXISTS "rig_name_key";
        DROP INDEX IF EXISTS "uid_rig_name_1545c3";
        DROP INDEX IF EXISTS "uidx_device_name_in_use";
        CREATE TABLE IF NOT EXISTS "laboratory" (
    "id" UUID NOT NULL PRIMARY KEY,
    "name" VARCHAR(100) NOT NULL UNIQUE,
    "version" INT NOT NULL,
    "created_at" TIMESTAMPTZ NOT NULL,
    "created_by" VARCHAR(255) NOT NULL
);
COMMENT ON TABLE "laboratory" IS 'A laboratory: what people, devices, rigs and data belong to. Never deleted, as what is recorded names it.';
        CREATE TABLE IF NOT EXISTS "membership" (
    "id" UUID NOT NULL PRIMARY KEY,
    "account_id" UUID NOT NULL,
    "laboratory_id" UUID NOT NULL,
    "role" VARCHAR(32) NOT NULL,
    "since" TIMESTAMPTZ NOT NULL,
    "given_by" VARCHAR(255) NOT NULL,
    CONSTRAINT "uid_membership_account_db5aca" UNIQUE ("account_id", "laboratory_id")
);
CREATE INDEX IF NOT EXISTS "idx_membership_laboratory" ON "membership" ("laboratory_id", "account_id");
COMMENT ON TABLE "membership" IS 'What somebody is in a laboratory.';
        ALTER TABLE "api_key" ADD COLUMN IF NOT EXISTS "laboratory_id" UUID;
        ALTER TABLE "device" ADD COLUMN IF NOT EXISTS "laboratory_id" UUID NOT NULL DEFAULT '00000000-0000-0000-0000-000000000001';
        ALTER TABLE "device" ADD COLUMN IF NOT EXISTS "moved_at" TIMESTAMPTZ;
        ALTER TABLE "rig" ADD COLUMN IF NOT EXISTS "laboratory_id" UUID NOT NULL DEFAULT '00000000-0000-0000-0000-000000000001';
        CREATE INDEX IF NOT EXISTS "idx_device_moved" ON "device" ("moved_at");
        CREATE UNIQUE INDEX IF NOT EXISTS "uidx_device_name_in_laboratory" ON "device" ("laboratory_id", "name") WHERE admin <> 'retired';
        ALTER TABLE "rig" DROP CONSTRAINT IF EXISTS "uid_rig_laborat_da9080";
        ALTER TABLE "rig" ADD CONSTRAINT "uid_rig_laborat_da9080" UNIQUE ("laboratory_id", "name");
        INSERT INTO "laboratory" (id, name, version, created_at, created_by)
            VALUES ('00000000-0000-0000-0000-000000000001', 'laboratory', 1, now(), 'system:migration') ON CONFLICT DO NOTHING;
        INSERT INTO "membership" (id, account_id, laboratory_id, role, since, given_by)
            SELECT gen_random_uuid(), id, '00000000-0000-0000-0000-000000000001', role, now(), 'system:migration' FROM "account" WHERE role IN
            ('lab_admin', 'researcher', 'technician', 'observer') ON CONFLICT DO NOTHING;"""


async def downgrade(db: BaseDBAsyncClient) -> str:
    return """
        DROP INDEX IF EXISTS "uidx_device_name_in_laboratory";
        DROP INDEX IF EXISTS "idx_device_moved";
        ALTER TABLE "rig" DROP CONSTRAINT IF EXISTS "uid_rig_laborat_da9080";
        UPDATE "rig" SET name = left(name, 200) || ' ' || id FROM (SELECT name AS twice FROM "rig" GROUP BY name HAVING count(*) > 1) t
            WHERE name = twice;
        UPDATE "device" SET name = left(name, 200) || ' ' || id FROM
            (SELECT name AS twice FROM "device" WHERE admin <> 'retired' GROUP BY name HAVING count(*) > 1) t
            WHERE name = twice AND admin <> 'retired';
        ALTER TABLE "rig" DROP COLUMN "laboratory_id";
        ALTER TABLE "device" DROP COLUMN "laboratory_id";
        ALTER TABLE "device" DROP COLUMN "moved_at";
        ALTER TABLE "api_key" DROP COLUMN "laboratory_id";
        DROP TABLE IF EXISTS "membership";
        DROP TABLE IF EXISTS "laboratory";
        ALTER TABLE "rig" DROP CONSTRAINT IF EXISTS "rig_name_key";
        ALTER TABLE "rig" ADD CONSTRAINT "rig_name_key" UNIQUE ("name");
        CREATE UNIQUE INDEX IF NOT EXISTS "uidx_device_name_in_use" ON "device" ("name") WHERE admin <> 'retired';"""


MODELS_STATE = (
    "eJztXWtz2ziW/SsofYmzpWgS59G9ztRs2R33xLNpu8t2tqdnZ4qESEhCmyLYBGRF05v/vg"
    "D4foqQKYpikA9JTOKQ9Ll4XNwX/hgtiY0cOjm3LLJy2S1Zj87AHyMXLhH/T8ndMRhBz0vu"
    "iQsMTh3ZHAbtZKMpZT60GL88gw5F/JKNqOVjj2HiisZ3ZImmxN6A9YKAJdwAiucuwO574K"
    "JH5AP+dMSQPQaUALaADEAgPou34D8iAFc2ZgBTAJ013FB5jYr7HvIpcZ/RifgMm1j8O7A7"
    "7+yNKxf/vkIGI3PEG/j8vf/7L34Zuzb6gqj48Y/RDCPHlv8fWQvozpFtQDYSzdAXz0eUco"
    "pohIxkge0vRkiwEaIk+RtP3h5JNOdc/vBVIL0HQ74pI1IsUfK6EWE/f7768KNsKSibGhZx"
    "Vks3ae1t2IK4cfPVCtsTgRH35shFPuS0pSTtrhwn7BPRpYAWfoH5KxTzYScXbDSDK0f0l9"
    "GfZyvXEt0EyDeJv978Jfy0VDPDuL65N+4u7w1jVOhe4hNy8g8vWZxbThN2maD4j6/BcxNC"
    "5NWReMEPH89vT16/ey4pIJTNfXlT0jX6KoGQQSORZsIyWkLsFIn+YQH9cqJjQI5r/qn7YT"
    "kiaA+Ujpbwi+Egd84W/MdX37+s4fh/zm8lzbyV5JnwSSOYTK7DW6fBPcF3wq9PeCMFeqP2"
    "7bAbXUjoTea4zvl9fdqA3tenleyKW1lyQzrEVxUovsDzK5eVk5zF5ajGwbqwD6pf7Yvnuf"
    "iCF/95evr69XenL1+/+/7tm+++e/v9y+95W/m5xVvf1Qjj4uqvV9f3WTmIC1n2LR8JfsSK"
    "UGD/A7/D8BKV859F5vi3Q+gk+s8Rdvwabu+vfrq8uz//6Wfx+CWlvzuSr/P7S3HnVF7d5K"
    "6evMsNivgh4Jer+49A/Aj+cXN9mV8A4nb3/xiJb4IrRgyXrA1opzmJLkeXSsU83ajMY1nU"
    "AGez07dvG0xnvFXlfCbv5YZUomSpDqkMUg+pXg8pG1PB8i5yzkFbEHSocGk5ty9nD1K6Jr"
    "5tLCBdFCV9z7dB5VIuAHeaQI9Ispd/v88INZolT346//vzjGA/3Vz/NWqemlV/+HRzkZtM"
    "YxLVR1kOqkdZn0eZRWxUMcJq9JM0aAijK6udvHvTQDl596ZSNxG3vhZZRl88zCW3i35ShO"
    "tR1edRJUyOXM3A7g7CzmO1pPsmaWF1nT2kLILiwhRaD2vIV73CHXJKqtoWby1Pl/kr0IVz"
    "KSTBpvjOyF7vQH85KjPkyxvjWht+3KSRBZ8tuDwDa7mLkE3HgPjyf8KODkPT+HtAXASIh1"
    "zgk7W4CChZ+RYC0LXBA+9sE3DFKPBXDqIA+tLkThnx0Z/k5xiU8S5MJ96m3Kjf9Uf80/2n"
    "a/7GwS50zDPhTqAIIJf5G8D7MkU2wAw4kLJdPALBRwmg+KZtXoGVdAvI7xO/WqVHAPzy8f"
    "L2EvBxwH8zoYCBqztw/fnTp5GcnlLvD36DcIrBWz8geX8AbMsnUWdoLPVKlBgYw9mtv4by"
    "Dg2M1b6KpMM11fIShLZANbNAyaGswHDUfoD8vnrZyB/0ssYf9LLgD6LCgYuZki01jRkgz+"
    "37hZZ8CeAKh4rFJQUZBMVdG1syi7HKXiED1Hbr3u0UMjaAWClT3v5nkHo/2GspR6FRWQFX"
    "Krlx+8E40k9fvfnuzfev372J1dv4Sp1WW3SRi63VDqMlBdNDpc9DxUeM7613W/eyUC3nPs"
    "sZWg/8loPs3ZzzJXAt76ORt1rgSwl0eO6l/QS/kOUSlWke1bu2FGQIJHe9aaML5DzuNKNl"
    "kXoy6/NkFslKbR7LooYwujqYwiLS+IaoLKq+2ZiKwXpY9X9YGT6CtCz+vHrRKgCHMLi6Xr"
    "pCp2aR9+oUoRTkCXlCx8P7lqygvoQAePi/0aYqny++Oa4NBfCw8YDkQrU9GOAceD6Z+3D5"
    "jII13ADsjsF0I5Pk7j6evzh9+w6QGcCMAoosvkufAJPLnvdGRvyNgW0TXBMXnXEcIwA6Do"
    "jvYkQjKFnzTlSMAej43YoO/ShpL/Bap5I0mnjWAxEYqczKCud63ouPHsmD8mtCVM1rdF7h"
    "QfMKs32pKdtZVJusH+00nTUnp+YCFV4LQL0AZpmV/xYIrd4dRe0H4Sved+hwsJYph2jnYJ"
    "rqJlRbRDyjwPLf7m6uK1iOEfntJrYY+D/gYLo3N95hpgXBRf1+JL/1yM0f4gH5/YhOht1F"
    "FEe36d89AaL13Act5n36deNNiaKYs0htweuzlGWYxWq3sLU8Vkv6OCQ988lSxVhbRGprbT"
    "NrbV/si6IY1qjMtihvjGvtinGTrVbFX4IyXEEGj0zrgZGtT6TnwLj2lqzUNQY2tkUjLiZk"
    "vwf8E5BrvyCuU5I41N6jRTrQOUdwxZ7vqgBbE5FhJA2HcY0wk981z/g/lC9jJpiiGREZRr"
    "KemE1c/nyRhbQga3GNPxnZE3DjIrDGfFis+Ie64ioXA5EVzBz8iGzACGDIcfgHmK4pH2Da"
    "eI6oeJMwWXoOtOLyZdaC91NwEmY0CREY8tLE2zyfgHsfz+f8FwY+mq1ENtMj8jcgKH9RZf"
    "QUpk0pR/6BFuG94F91ZtBoum6YUiQ/MMLohKJjSigKe0Vz62TZUq/NklHnV9GfIozeCPVa"
    "cfL4b2phr8zRWlO9JA0ahNmua+82tMqL2tWFHVaUsztOwjvIxGPQ5xqCSr9OEIPguOtOHS"
    "lfCr06BRkE5ftOfFQPRtJRSE/q0nwzgpXm6QShO3SjDr0kTCmRN0HoDr1DGi/ivzYtD9uo"
    "4zyN0ryr8458n/gqlMcAzbY624FRq0h3tZc8QTzJS348vO/FSQ5nDJX08mraY4BmfXfWdd"
    "SYkgxUosbUjLctVpv/Zoy36aLJwmFQxrgL/U054wkmR/t0w4KgpyPTt+tYDKeDeO7gU8fF"
    "1fX57a/lS+VFyfRx8ev95Xl/fHc/kCW/Z1ckB6Tujuu8eFbQTjZqkB0QNpdeqvUCBc4vyv"
    "iP9Ez6p0zXZIs4Tj+otTfKSe8pz1GM2rfRI7ZQOENDy0IeU6yKF36pETxJctcodP9JL4vA"
    "Na/TIfwHDeHPdKymZGdA2lPWKMy8epc3qDDzzp0o/lwpEjpqr+Ogn7DZ0A7Dg/R1bKOlR1"
    "hp+YwLQhwE3arFMQ3Ma8kcOSzyL25uPmXIv7jKs/v5p4vL25NXUhK8EWYV+xGuRq4gK0u2"
    "qCU8DdN0N6fbRtB2sKscaJLG6WCTXgeb5PYTKlLOQbWgey1oudktirgmFTACDEI52LfTVL"
    "K1S1GnFE6PoF6PoBLLcxdm50MPnJbLsyKPWCUpyXU2/BiyE6E984IcxpCvg5S63Rv6K1fR"
    "iJcgtMcvFzTqY+gospnGaD775ly6E0pPvYcpbjJu4GYyYl11u7NJ5E3J5sILBCOP0TMKHD"
    "xDW7LCFLGlWVHRJwd9061Pi8pY9qUKqODtCVTLrQ4mnSfVyzypbD9pOu9lUdoXtD14RKvw"
    "yiq8dlK23jG1dWav1hmdLTlYqwx/lOCmINxqn3OC0BGuuzuddfR8l/YEebaFb1D0u5pOns"
    "Vp+9mu9jNtteyK9Z5YKj4E2+YSA8WHeENdbZdINt1Nol+D1gBS4CHiOQj4aM7XIOTLs6KD"
    "4i9xvKpoJn7gzyS+PEeaN/eIz2TjsqDYNh8vD7d+RL4wPphAFg6mYC2K5YTPDorC2OBERN"
    "te3sP58/cy8FY+7xkNH0aBg+CjjM6FDnHRBJhLEpxtYnKifLLkX0WE0SSptl1pU6kzoBTS"
    "KaQwtxhR5LHZ4X5FXDOwayQPqjSlhKdoQ3uJXfDnv4BnPtcPOcnPCkG8UYhhs+jdzJfUxe"
    "7m3hIxqvAOCWnLVqSjg9uODu5FVlF7m5mX4Z8XJX+Ff14dfGcej6IC3fXbxzROFyrs8w5S"
    "1yHf7wFNkiAFfqP2A+S3fcuW7ePHsvzeanoTxAAJbr+6u0MsqFoYKo0ZgrWji1PcEGP8E9"
    "TK6Kcw3SeQpBTK6Qo7/EvoRLz2EDrlfsrrQw9OsYMZVjvdII/TomldNBTz0ciMErH86BBY"
    "dQZeCpSTyUyg9iWN1y8nL7vn/cPN54tPl+Dn28sfru6uQhnEeqe8KS4l6Q+3l+ef8ukmYi"
    "uvMvHHgO6W1hFyBdzeV9fetwLjYPdBaW0N23fIMJnNomyWY2R4gaDDlE4BShBdsvxwrART"
    "OENM7aDfGNEhweKlx0qx9r8cwuulo8a79fL2JInoiKRwbLbGgILpThblPFZLus+SDp2kRS"
    "FXLlgpRHdhp6/2u2C1FnOqz/r7JkbNyrN3FHMWqcXcazFHY3KqtGvKogbovdiLZT0aGGpc"
    "Z1Ga62quexWwdvkoqgpVRq0Ft8fbQ9cMFLfcGsB2R5aILTjzgIlAsIVMg0M2kCeoBY+TJ6"
    "gxkgozOxF8A9PBFp3IK+YYmBT9Lk4/Cx6FwG9k5bvQeUYBn3+weN3zYnxb528vzeorJuqN"
    "UxaIMPxWDh+FfL/QD9407y8tOSMGKwZy9S1T4qCZgMe/5OpKk08VtEqiug502evpUaIvF/"
    "mtdkRH7XWazxPSfMoN73uyuveuU7dsxVDO33lK4k5Pyfx2ckh+dBBiH1ZsMypRyJObter4"
    "TDQz7KhdszORiYvAgg/sQAkWqhewCaJngCL/EWX1Yh9ZxLcnwBQAU5w4zDVlm8jMEH7NsZ"
    "FvgiXccM2YXxbKcVmWSXev3Z4AUqnbRiw2jpRctemjPWxNi71ESVZrl0KqKlRH7YfgNdx3"
    "RGowOtTYjRCa3+38hmyUOm/q1uosrrsle1/BdYeJOaDYtZQtEDFI2/17Z4TokzIm7Z8Vhc"
    "eyDRooZS2YSLErTY105XENCQvLHp9sEWpu5ax7gGKqbDQ8miWlpigwImQbSaO6wFi7E2u1"
    "itY3S6+eZtvLaORTVlG0NUfehO0HYYjsOmjvAbtKB/dG7TXZO5Ctj7o5CO06ELhbvm3EIC"
    "7p4zW+jhihvR1q3o4+7U8+CjNY1d7kY2gj27YviWxpTUoPSXPtGrMFgECio7MxydodA7gk"
    "fMdBuZbvQ2cCzBni22zbPBN1ex648kFFa1mmh74HZmL/4C0WZM1vMuSKtgtIwW8E8w1LWX"
    "2ig3zDE8zIh60X8U2ZkbErDm8tswfVFBdKYXSIwpHbNvccnt6xbZNv4YRNRWXySEEGobnu"
    "23gvqssV+a3s11HzITnY24tWwKVHLdYU5MDlhyweqOSDeN9gSj4Eek/JrF138GUC6vDYy/"
    "jK0Z57OSdlZ17WMh1BNM8q54uKF+6WC5lB6kzIPlujI1mpJaBkUUMwInWQ61OZdFrNc3XW"
    "6RAUzPYrUQQ2hB2mrAxQO9B6PWUtEPTZFEG2g5zzWC3q3om6JybfvwUZZjezGUWlZt9sg3"
    "Gd6TfMVjNI0nar+fcjWfNbPoBRrpsIww0jSoRJbgopOpOWWOTyDoEoWHkiTNeMEuJMAP2S"
    "YJUWn/sEM234bhXTYQqii5OrFiePhKdmWEyjhmSE6TpqcoE9bye1JIvUi5VerMoXq1s047"
    "/I4p48ILcigjLfpHbB8oPGfGrnrZu6K0MQkCAw3cgl5e7j+YvTt+8Cr+F7vuqsKLJlMgpf"
    "dh6Qx8SZJo7wIoZnm9AgrnEs1pwpkl5EF8A57zFl7slO3qkYqxk+zWgWq5mh2gixUhiKAZ"
    "sLSNXqSIbttedT2fOZkrCCApNFae9nbpXElK52WiQzQL1G9m6NzNS7obvVj6LanNxb+fZG"
    "B/oNWVzmP8ONQ2B2baxoskUHChobXqp1AzUobB7kgkx9vqxLpYQLXUInwMS2zKmFwMZzRG"
    "VElTylbQ3FEWwWwo/IHgNKeAsfeYjfEa2nlPjT8iCtLl6pqASV1txpqhFliTeSA/vaSGLR"
    "J5+1bVzQ1Wrar1aj83+GtERmREs8bBVlWx2tHwMG4QIcfHbEt054Sl3KW5pd6G8qLM0JKB"
    "+kswnD1oZD+0UYVRbTzlm/uLo+v/21nPeLkii0i1/vL88LIYH/LouMqqtgFCK0cX934/7K"
    "k9psafhfHfUZnBaAkgB6s+VkyBUsfSQ+/rckq2TPmWszrt90hq2NRar59hIGXCwOAo/QWS"
    "GZcwNFWSfhvJ2iGfERMH24NsTR3dJ7C/h7+Yvs4PRvFztAqKDyrHGXgCXiYrZEMVb+M0cD"
    "6Djh40pqH3T55u3VXYMnFOq46ioHvaxyoDeO7Z+IHQyAAp/VfqAEMQh1t4NSp9GMprpBT+"
    "P0Jr13m/S+KRW3K/l7V2sUskFDdcKP2jYKPJPO8XBNF6u2cJqPRZSYDTcUnFwTF53JBVpk"
    "/j6fADOYRMwzvvx7kDHku0HSsPkfplzczf8y3wMznLpF3zABWnpswwHupjxI7QDfUKpfJP"
    "NjCqo1jOPQMPRy2EHl79SwUCA6Bxsg2+3nNwgNQkx/RZ5rjpZOg3Y8Wvp4POZtnCztE8dZ"
    "eTsQncVprhtwrc8UG6w+rc+56i7PsC97Fzwfle1Y+OX6fUrYYOvmJDgpSyas8NkW0bHU7I"
    "UtkROMfIdYD8LyyNYIyZSWJd8XhEmUJrDIikshCHzxEPEcBKwFdPlvAk7EIy7v4bzkEKuO"
    "3lm6+eDdmEudEX8TGrwks0/afOj4l7bjXwpCakp4AdgLc+bL8M+Lkr/CP68Obuc8bJ2vYS"
    "4ixU2dUoGZFKQfJWbEawdTYiZZa1RkkkX1QyyDqvyjTxIf6ZPE9XZQnySuxVwUsz5JXJ8k"
    "PhSu+2JhkTbmT5CVu4aTu+Nae0tgqXaihlvtLrdhLefomEBg8RdL9yp2AXTBgqz8IP0IU2"
    "ElcZAt6oZAh49le8Mf65MlMB2yNmUtkQWeL8yUmSRXDlpkJTHilOQ6HfA7Su0zlL8vSE3K"
    "hCWJz9Au4uNwEScibDppJogBTpjtOy11lF/r1i85vyhqzhFG68y91pmdoDaLimRDiBZsrw"
    "UrdA3lMRtitGh7LdpKI2CdFjdEO+A3lPojd1B3rHYjFtweN9iJUdZ4K5YUcJQPyWx0zmTG"
    "TJR5s+TP9DF0MEW2+T7wQVtkmcrNYQtRe4rvcMJD3h0bnFDGb/1JbA0n3qbEHX6A9z+h0O"
    "ThtfseVcZqS7evObc0EqjqSpcB6ho/fV7t0sNaVcx5rJZ03yTdk/X1LigQVFHMMnW3dnVN"
    "lVNsUrqJ4rn7ArtjvlRhawEcSBkFK5dhR1gDsSiJbItKkj5AXzzsl+XD7voQxfJK0JKBZa"
    "F9JOX7FKAt9ZWiOoThMyRh5XWVxKhPvVR+uOJLJKbmFTp07aCha9l+1JTtLEpb53QQw7ey"
    "OvaulqUW8P4EHK7PO8g4i9Ri7reYI7VGVcgpnN7H9FzCRlUduGpDUBY1vEPO9pCeipaElR"
    "jb6mrtRYgh8Fs3ZvZRao9vnd2Saaua7hig2W7Gdk+sIffIQaIwwWZUYgxJbo7rbCEs02yr"
    "NeTGDat6iXArcXZGWJzrJKoqTSdLG1AUbIDfljgKdnpC4xJf46TgLfKIJd2kFP3ePOqqby"
    "V2D+onOP7VXlcZe6qgdZWxXpVVkVNnkeKa+hMxYsfKE30jec+lJxicK+XSRe2flEV3PDrU"
    "XtLl4qW6YbJc3H5IBXJby5YT+k6By9qiwwFgSGR+OyFHn+JqARVe0WyD2s1AUnmg2W7gHC"
    "SIs3Q1i3GYiEHHwMdzKktjCE0MTJEs4MfIBFyLCn1R5d+xOHRvHWVoIIv4whsqfhNxFl+Z"
    "Q7XDNz8h0Ej7K7vwVx627EOPQrn2o3LqZHadzH5ovfNI7A06y/kby7z9CS2nfLZbYK9C/c"
    "o2qFW/lnHTZurXL0JroWSJpsTeCPVFZLumFKOi2tQIUWpszQb3ZEtU5Y2rmfCwQjWr1JMa"
    "RIwlnBhZ7VRHjvVRE9ORY3uwqw6sklyfqBWlG1XW56j9AFfm9h3/FLtlSTb1Sm4M0vptr/"
    "XbOX5ErqJ2m8YMcAQNTbc9Rz62FmVKbXinVpuFSZttmmw13y2b3r6V4ilPNFZU63eVtqDq"
    "QV9tDNJjvqJqlxhUCgyHzQfI7l7smSLQqDRCrtrJm4J0Xy31yB29B13Mvv4/+oNriw=="
)
