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
    "eJztXW132zaW/is4+hJnj+Imzku7Ts/ssRN34hk37rGd6XS2c0hIhCTUFMESkBVNt/99Af"
    "CdBClCliiKRj60CYlLUs8lgXuf+4I/BnPiIJcen43HZOGxG7IcnII/Bh6cI/4XxdkhGEDf"
    "T8+JAwyOXDkchuPkoBFlARwzfngCXYr4IQfRcYB9hoknBt+SORoRZwWWMwLmcAUonnoAe+"
    "+Bhx5QAPjVEUPOEFAC2AwyAIF4LD6C/xMBuHAwA5gC6C7hispjVJz3UUCJ94wei8dwyJg/"
    "B/amrd1x4eHfF8hiZIr4gIDf93//zQ9jz0FfERX//GMwwch15N8H4xn0psixIBuIYeirHy"
    "BKOUQ0lox1gZ2vVgSwFUlJ8Fe+PD2Q0hxz+Y8/haR/b8k75VSKpZQ8bsWyX75cfvxBjhSQ"
    "jawxcRdzLx3tr9iMeMnwxQI7x0JGnJsiDwWQw5bRtLdw3eidiA+FsPADLFigBA8nPeCgCV"
    "y44n0ZfD9ZeGPxmgB5J/GfN3+JHi0zzLI+X99Ztxd3ljUovV7iEQr6jw6NObYcJuwxAfEf"
    "f4bXTQGRRwfiBh8+nd0cvX73XEJAKJsG8qSEa/CnFIQMWqk2U5TRHGK3DPSHGQzUQCcCBa"
    "z5o+4G5RigHUA6mMOvlou8KZvxf7767mUNxv84u5Ew81ESZ8InjXAy+RydOgnPCbxTfAPC"
    "B2nAG4/fDrrxgRTedI5rHd/XJw3gfX1Sia44lQc3gkM8VQniczy99Jga5LxcAWocrgu7gP"
    "rVrnCeiid48d8nJ69ff3vy8vW7796++fbbt9+9/I6PlY9bPvVtjTLOL/96+fkurwdxII/+"
    "OEACH7EilND/yM8wPEdq/POSBfydSPQ4/ssBvvg12N5d/nhxe3f240/i8nNKf3clXmd3F+"
    "LMiTy6Khw9elf4KJKLgJ8v7z4B8U/wr+vPF8UFIBl396+BeCa4YMTyyNKCThaT+HB8SKnm"
    "0UpnHstL9XA2O3n7tsF0xkdVzmfyXOGTSo0s3U8qJ2k+qU5/Ug6mAuVN9FwQ3YKiI4PL6H"
    "n7evYhpUsSONYM0llZ03fcDVJruSS40QR6QJq9+OddTqnxLHn049k/n+cUe3X9+a/x8Mys"
    "+uHq+rwwmSYg6n9lBVHzlXX5KxsTB1V8YTX2SVaoD19X3jp596aBcfLuTaVtIk79WUYZff"
    "Ux19wm9klZ3HxVXf6qBOXIzQzsbaDsoqzRdNc0LVjXyX2GERQHRnB8v4R81SudISekamz5"
    "1PxkXjwCPTiVShJoiueM+XoXBvOBisiXJ4a1HH4ypBGDz2ZcnyFb7iHk0CEggfyb4NFhRI"
    "2/B8RDgPjIAwFZioOAkkUwRgB6DrjnL9sxuGQUBAsXUQADSblTRgL0jXwcizL+CtNjf6Um"
    "9dt+iF+9Xz37Ny7sQdc+FeEEigDyWLAC/F2myAGYARdStklEIHwoISieaV1UYCHDAvL5xE"
    "+rjAiAnz9d3FwA/h3wXyYMMHB5Cz5/uboayOkpc//wF0RTDF77AOn9Q8FtxSTqiEZlVEJB"
    "MEazW3eJ8hYJxupYRfrCNbXyUgnDQDVjoOSnrIFwPL6H+L562Sge9LImHvSyFA+iIoCLmR"
    "aXmpXpIc7bjwvN+RLADQ4dxiUj0guI2yZbcouxjq+QEzS8dec8hRwHkBhl2u5/TtL4g53W"
    "cpwalVdwpZGbjO9NIP3k1Ztv33z3+t2bxLxNjtRZteUQuXCtNvhaMmLmU+nypxIgxn3rzd"
    "a9vKjRc5f1DMf3/JSLnM2C8wpxo++D0bde4otCtH/hpd0kv5D5HKksj2qvLSPSB5Dbdtro"
    "DLkPG81oeUkzmXV5Mot1pTeP5aX68HW1MIXFoHGHSJVV3+ybSoTNZ9X9z8oKEKSq/PPqRa"
    "sk2IePq+2lKwpqlnGvLhHKiDyiTuhwcF9TFdSVFAAf/x2tqur5kpPD2lQAH1v3SC5U65MB"
    "zoAfkGkA588oWMIVwN4QjFaySO7209mLk7fvAJkAzCigaMy99GNgc93zt5GRYGVhxwafiY"
    "dOuRwjALouSM5iRGNRsuQvUTkHoOV7awb046K9MGqdKdJoElkPVWBlKisrguvFKD56IPfa"
    "t4mkam5j6gr3WleYf5eaop2X2ibqBztN5+nkzFygg2tJ0CyAeWTl/0uAVntH8fhexIp3nT"
    "ocrmXaKdoFMQN1E6jHRFyjhPLfbq8/V6CcSBTdTTxm4P+Ai+nOwnj7mRYEFvX+SNH1KMwf"
    "4gJFf8QUw26iioNz+jcvgNh67YNR8y7juolToqnmvKRh8LqsZZlmsdgsba0oazR9GJqeBG"
    "SuQ9aWJQ1b24yt7Qq/KJphDVTcojwxrOUVkyFrWcWfwzZcYQWPLOuBMdcnynNg0ntLduoa"
    "Agc7YhBXE3LeA/4IyHNeEM9VFA5t79KiHOiMS3DDnntVgC2JqDCSxGHSI8zmZ+1T/j/Klz"
    "EbjNCEiAoj2U/MIR6/vqhCmpGlOMavjJxjcO0hsMT8s1jwB/XEUa4GIjuYufgBOYARwJDr"
    "8gewPVtewHbwFFFxJ0FZ+i4cJ+3LxjP+noKjqKJJqMCSh4791fNjcBfg6ZT/YBCgyUJUMz"
    "2gYAXC9hdVpKegNqUe+QOOCX8L/l1Hg8bTdcOSIvmAsYwpKDqkgqLorWjOTqqWekNLxi+/"
    "jv0UyxhHqNOGk89/6Rj7qkBrTfeSrFAvaLu2o9twrG5qV5d2WNHO7jABb6ESj8GAWwg673"
    "Uq0QuM236pY+NL463OiPQC8l0XPuonI5kspEe90twZwVrzdCphXuhGL/ScMK1C3lTCvNAb"
    "lPEi/rOpOm2jDvOslMFdH3cUBCTQgTwRMGjrox2SWmW4q6PkqcSjouSHg/tOguRwwpDiLa"
    "+GPREwqG+Ouska09KBTtaYHnm7xW7zT4a8zTZNFgEDFeIeDFZqxFOZAuyjFQuTng7M3q5D"
    "MZoOkrmDTx3nl5/Pbn5RL5Xniunj/Je7i7PuxO4+kDk/51QUB2TODuuieONwnBzUoDogGi"
    "6jVMsZCoNflPF/0lMZn7I9m82SPP2w196goL3HXEcza99BD3iMohkajsfIZ5pd8aIntcIr"
    "Sewape4/6maxcM3tTAr/XlP4cy9WU7BzQiZS1ijNvNrL61WaeetBlGCqlQkdjzd50I9wNk"
    "zAcC/vOnbQ3CdM2T7jnBAXQa9qccwKFq1kLtkv8M+vr69y4J9fFtH98uP5xc3RK6kJPgiz"
    "Cn+Em5ELyFTFFrWAZ8UM3M3hdhB0XOxpJ5pk5UyySaeTTQr+hI6WC6JG0Z1WtHR2yyquKQ"
    "WMBXphHOw6aCrR2qSpU0bOfEGd/oIUzHMbtPO+P5wtt2dFPhkrSpLrOPxEZCNAOxYF2Q+R"
    "b5KU2vUNg4WnSeKlEibiV0gaDTB0NdHMyhg8uxZcuhVGT32EKRkybBBmshJbdX2wSdRNye"
    "EiCgTjiNEzClw8QWuqwjRllVVR8SOH76ZXXxaVY/alCagR7QlNy7UBJlMn1ck6qfx70nTe"
    "y0uZWND65BFjwmub8CZIufUX07AzO2VnTLVkb1kZfimBTUm51THnVMJkuG4edDbZ823yCX"
    "Jvi8Ci6Hc9mzwvZ/izTfkzw1q2hXpHmIqPodusICg+Jg51NS+ROt1Nsl/D0QBS4CPiuwgE"
    "aMrXIBTIvaLD5i9JvqoYJv7Br0kCuY80H+6TgMnBqqTYbV5ebm79gAJBPthANg6mYCma5U"
    "TXDpvCOOBIZNte3MHp8/cy8VZe7xmNLkaBi+CDzM6FLvHQMbDnJNzbxOZABWTOn4oI0iTt"
    "tl3JqdQRKKVyCqnMNSSK3DY78lfEMQt7VnqhSiol2kUbOnPsge//Ap4F3D7kID8rJfHGKY"
    "bNsndzT1KXu1u4S4yoxj2kyLa4IpMdvO3s4E5UFW3PmXkZ/Xmh+E/059XePfPkKyrBXe8+"
    "ZuVMo8Iue5CmD/luN2iSAGngG4/vIb7bZ7acAD+o6nur4U0legjw9ru7u2QMdRtDZWX6wH"
    "a0sYsbYow/gl4b/YxM+wUkGYNytMAufxJ6LG67D5tyN+31oQ9H2MUM6+1uUJQzqtm6aijm"
    "XyOzFGr5wSWwag+8jFBBJxMhtSttvH55/LJ93D9efzm/ugA/3Vx8uLy9jHSQ2J3ypDiUlj"
    "/cXJxdFctNhCuvM/EnAu0trQPkCXFnV6/2rg0YF3v3WmtrNL5FhMlkElezHCLCMwRdprUL"
    "UCrRJsr3hwowhRPE9Db6TSRaBFjc9FAhNvGXfUS9TNZ4u1HejhQRHZAWDo1rDCEYbcQoF2"
    "WNprus6ShIWlZy5YKVkWgv7fTVbhesreWcmr3+nsRXs/CdDdWclzRq7rSa429ypOU15aV6"
    "GL3YCbMefxh6WOelDNbVWHcqYe3iQXQVqsxaC08P16euWSgZuTaB7ZbMEZtx5AETiWAzWQ"
    "aHHCB3UAsvJ3dQYySTZnYk8Aa2i8f0WB6xh8Cm6Hex+1l4KQR+I4vAg+4zCvj8g8Xtnpfz"
    "21q/u7Kqr1yoN8wwEFH6rfx8NOr9ojh407q/rOasRFgzkatrlRJ7rQQ8/CXXdJp8rKJ1Ct"
    "VNostOd48S73IZ3+pAdDzelPk8osxHTbzviHXv3Eu9ZRZDu37nMYU7HQXz6dSQ/OAixD4u"
    "2GqgMMjTk7Xm+EQMs5x4XLM9kYmHwIx/2KERLEwv4BBETwFFwQPK28UBGpPAOQa2ELDFjs"
    "PcUnaIrAzhx1wHBTaYwxW3jPlhYRyrqkzau+36ApBK2zZGsXGm5GKbMdr99rTYSZZktXUp"
    "tKoDdTy+D1HDXWekhl+HHrqxhMF3Pb4RGsrgTd1anZdrb8neVXLdfnIOKPbG2gxEImR4/8"
    "6REF0yxiT/WdF4LD+ggVG2BYoUe5JqpAufW0hYMHt8skWoOctZdwHNUtn482hWlJqBwIol"
    "t1E0ahqMbXdirTbRusb0mml2exWNfMoqq7Zmy5tofC+IyLaT9u6xp7VxbzzegL0B2Garm7"
    "3AbhKB28XbQQxixTteE+tIJEy0Qy/a0SX/5JOgwap8k08RR7bOL4m5tCathyRdu8RsBiCQ"
    "0vHemGTpDQGcE+5xUG7lB9A9BvYEcTfbsU9F3557bnxQMVq26aHvgZ3yH3zEjCz5SYY8MX"
    "YGKfiNYO6wqPoT7eUZHkEj77dfxJOikbEnNm9V8UE1zYUyMiZF4cC5zR2np7fMbXIXTnAq"
    "OpNHRqQXluuuyXvRXa6Mb+V7HQ/vU4B9e9kKWLnVYk1DDqzeZHFPLR/E/XrT8iG0exSzdt"
    "3Gl6lQi9teJkcOdt/LKVHteVmLdCxicNbZX1TccLNayJykqYTsMhsd60qvACUv1QcSqYVa"
    "n8qi02qcq6tO+2Bgbr8TRcghbDBl5QRNAK3TU9YMwYCNEGQb6Lkoa1TdOVV3hPL9W1hhdj"
    "2ZUKSkffMDhnXUb1StZpF07Fr69xNZ8lMBgHGtm0jDjTJKBCU3ghSdSiYWefyFQBQsfJGm"
    "a8cFcTaAgSJZZYvXfQRNG91bhzrMiJjm5LrNyWPl6RGLWak+kTBtZ03OsO9vZJbkJc1iZR"
    "Yr9WJ1gyb8h8zuyD3yKjIoi0NqF6wgHMyndj66abgyEgJSCIxWckm5/XT24uTtuzBq+J6v"
    "OguKHFmMwpede+QzsaeJK6KI0d4mNMxrHIo1Z4RkFNEDcMrfGFV4spV7auZqRlezmuVq5q"
    "C2IlmpDM2EzRmken0ko/Em8qkd+cxoWMOAyUuZ6GdhlcSULjZaJHOCZo3s3BqZ63dDN+sf"
    "RQ2d3Fn9dsYG+g2Nuc5/giuXwPzaWDFkjQ0UDrb8zOgGZlA0PKwFGQV8WZdGCVe6FD0GNn"
    "ZkTS0EDp4iKjOq5C5tSyi2YBsj/ICcIaCEjwiQj/gZMXpESTBSJ2m1cUtNI0jZc6epRZQH"
    "3ko37NtGEYvZ+Wzb5ILpVrP9bjWm/qdPS2ROtcTH47Juq7P1E4FehAB7Xx3x1AHPmEtFpt"
    "mDwaqCaU6Fikk6qyhtrT+wn0dZZQnsHPXzy89nN7+ocT9XZKGd/3J3cVZKCfyPKjOqroNR"
    "JGHI/c3J/YUvrVll+l8d9Dk5owAtBXTG5WTIEyh9IgH+jwRL4XMWxgzrnc5otDXLDF/fwo"
    "CrxUXgAboLJGtuoGjrJIK3IzQhAQJ2AJeW2LpbRm8Bvy+/kRPu/u1hFwgTVO417hEwR1zN"
    "Y9GMlf+bSwPoutHlFL0P2rzz+u6u4RVKfVxNl4NOdjkwjuP2d8QOP4ASntVxoFSiF+ZuC6"
    "1O4xlN10HPyhknvXNOeteMipuF/N3VFoUc0NCcCOKxjRLPZHA8WtPFqi2C5kORJebAFQVH"
    "n4mHTuUCLSp/nx8DO5xE7FO+/PuQMRR4YdGw/V+2XNzt/7HfAzuausW7YQM099mKC3grdZ"
    "LaHp5BaV+k82NG1FgYh2FhmOWwhc7fmc9CA+iCWA/R3n59g7AgxPRXxrlma+ms0IZbSx9O"
    "xHwbO0sHxHUX/gZA5+UM1g2wNnuK9daeNvtctVdn2BXfBU8HKo+FH673U6IBa52TcKcsWb"
    "DCZ1tEh9KyF1wiBxgFLhnfC+aRLRGSJS1z7hdERZQ2GJMF10KY+OIj4rsIjGfQ478EHIlL"
    "XNzBqWITq5buqXQ++GvMtc5IsIoIL4nso5wPk/+y7fyXkpKaAl4S7ASd+TL680Lxn+jPq7"
    "3znPvt89XPRaTs1Gk1mMmIdKPFjLhtb1rMpGuNjk7yUt1QS686/5idxAdmJ3HjDpqdxI2a"
    "y2o2O4mbncT7gnVXGBbJMV9Bpg4Np2eHtXxLyFS78cC1vMtN1Ms53iYQjPmNZXgVewB6YE"
    "YWQVh+hKlgSVzkiL4h0OXfsrPilw3IHNguWdqyl8gMT2d2hiYptIMWVUmMuIpapz0+h5Kf"
    "ofx+YWlSLi1JPIYJER9GiDhVYdNJM5Xo4YS5/aClyfLbOvsl5xdNyzmWMTZzp21mN+zNoq"
    "PZSMQottOKFbaG9jcbyRjVdlq1lSRgnRXXRx7wCZX+SA/qltU6YuHpYQNPjLLGrljawFFe"
    "JOfonMqKmbjyZs6vGWDoYooc+30Ygx6TeaY2h81E7ynu4USbvLsOOKKMn/pGuIbH/koRDt"
    "/D/R/RaHL/1n2HOmNty7av2bc0VqjuSpcTND1+urzaZT9rXTUXZY2mu6bpjqyvt2GDoIpm"
    "lpmztatrpp1ik9ZNFE+9F9gb8qUKj2fAhZRRsPAYdgUbiEVLZEd0kgwA+urjQFUPu+lFNN"
    "srwbFMLIv4kUzsUwit6a8U9yGMriEBU/dVEl995qbywTVvImVqbmFS1/aaupZ/j5qinZcy"
    "7JxJYngqq2PnelkaBe9OwdH6vIGO85JGzd1Wc2zW6Co5I2f8mI5r2KrqA1dNBOWl+rfJ2Q"
    "7KU9GcMAXZVtdrL5boA75138wuWu1x19lTTFvVcCcCBu1maHeEDblDLhKNCVYDBRmSnhzW"
    "cSEsN2wtG3LtRV29RLqV2Dsjas51FHeVpsdzB1AUOsBvFYGCja7QuMXXMG14i3wylmFSin"
    "5vnnXVtRa7e40THP5qb7qMPVbRpstYp9qqyKmzDHFN/4lEYsPOE10DecetJxicatXSxeMf"
    "VUV3ODbUTsrlkqW6YbFcMr5PDXK3Vi0n7J0SlrVNh0OBPoH5dFKOrpJuARVR0fyAWmcg7T"
    "zQzBs4A6nEababxTAqxKBDEOApla0xhCUGRkg28GPkGHwWHfrizr9DseneMq7QQGMSiGio"
    "+CViLz5VQLXFOz8i0cjEK9uIV+637UOHUrl2Y3KaYnZTzL5vu/NA+AZT5fzEKm9/RPMRn+"
    "1m2K8wv/IDas2veTK0mfn1s7BaKJmjEXFWwnwR1a4Zw6hsNjWSUJKt+eSefIuqIrmaSw8r"
    "dbPKXKlBxliKiZW3Tk3mWBctMZM5tgNetWed5LoErWjdqLM+x+N7uDJvP/BPsacqsqk3ch"
    "MhY9922r6d4gfkaVq3WZkefkF9s20/yJa0FXZterLWpg3b2lozTHVoxYhAiHYOW4zE1s+i"
    "NgJ6ojwCBfzz95jg/QiYQwcBzERhxSrswRuSeYLPew/4gyHPeUE8l59cBpiJHi5y/494FE"
    "OuK5rHqDjGfT2G2gIfkYV0/GN2xXSS6UwsoM4kNtbbzqy3e/70OutPPL6Ha8/2rbdkvmns"
    "xcUC5j09TAb9gGLcXUvT6+5renCOhc9/6Rj70NWZ2XNCPZzed9IctKr4oS4xv0+FD20n5k"
    "dbfJQBr84uy4i036a9RxlmE5FYrgN8ImBg14S9I+TFReKgVxAY+QHDOhIjdfabEhi+C73T"
    "qNdDRBxQMCWAzQKymM7iM4w/OxWcAfIypIGLoEPDprSiQIKRcFt0PiuLPkgLZ/WNuDxVN2"
    "Jq+d6P2J8oFyaMU3KaRQVThVixoIkHdjEeaMiPnTmVZq+j3VrHFfxHTRllBf+xQ4QHe5gN"
    "dmIai06HC4WBVtOQL5Ho4Qu9g1isXO51LOBUwpjAj/A8YgtMC/qMjAH/MeCPZ8hZqFI8as"
    "DPyHRja7Re7Vh3IFy4ySY3pHiHSHGzNdqTULMpGjBbo/UF647wwD8FhBGuvxs0QzCg0B0o"
    "uODyoGEdH+xHw60gN75ZwQYEiVSYWBZnmclNyxjJZYsdA5uShefYpyJJbA5XYIQADOaiVb"
    "DcVh7we0rViWuxGaaCtq0o/Gjrzppdi6OniHi+eBVqRgSrNWG4YMMFH8jku9UEI01c81IG"
    "VJNj9FTsbJNj1JaVzcS+Hgrys5LtSQVM4qOquU9IDVvSKtWKlxQFe/gG7yBsglT5WvXNlJ"
    "TpWgf99rZSQZGZnWHA/8a4daLD2+elTNjkMWET4fgpXntCXAS9ivc+likgP+JC/YL8/Pr6"
    "Kgf5+WUxwv3lx/OLm6NXEv+022D5TV/OVtxG0coyyIiYPAPtPAP+0ovn15hWUgkzpTxqSp"
    "mwJQw091xMZYy1UmGtdI1mVSfbZk8Pm1CrzQjVMxCPB6MVwIzKxn3vk6paClc0anMjTkaE"
    "Bz0GtoeWiDL7NExvXYgmMyGPiYDYZJQqew7u9mb7SaVNGFSTSLt/8smQpyaRtn8UEGaqDK"
    "xqEzcR6AXCbZu44WKjwbilAn3iLEyGlQkJmAwro2aTYWUyrHqKdcdc/3+EDu8aBiAzatgo"
    "xyqT/q1FCECadrpd8oOiPRc4shk3O+3nsuCVj7i6/HALAlnzKs9yXS5EWak9FA56WClrO3"
    "gq3Hfu2z9/Dzy5eUBUl19LErTyAL96v3p3MwRiOUFACP4N3COfiRuI252C3yjxRmBJFq4D"
    "JiSYIibZB7HZgaQiYjaDDgV9Ed5W3GKMxAUhvY9+q5KjSFQVMRSS4BDcQ+lU+EMe17nMcA"
    "uGWzgYbqHw/jcFtiBmYC36uOEUU0K02sdNBIyPq8oqGc/QHFr6tVllQYOvAt9o3dOwglOJ"
    "HlrA7940MIDfvam0f8WpAsfIrRwtijEa3wtw22YYY1tTB/CsjAF9A9An/Hfy59FrYpWRMd"
    "kLj8he8DQ3sPces339087QMXT7RqowPOyBriP95gZvw6zzCk4wc3ZYxwVGuesNKUAPQA/P"
    "oXsMbAdid2WfZnrxi452gv0iEzBxuR8tebgJIU7c3i7Ok48NFtnq7r2snWQ4kNWPSHTJe0"
    "AhYyYvwOBUQQXu8UE0SzArsoyGtdlDC5E+FD+lOGhhz1rQ6iQi8POni5sLEHZuAt//BTyL"
    "fsqzgZwb6h4omKxPZ8o9kBDY4gPpJVVlUam8u8mpMrxn99Yjk1PV1SU9R9j5aIxV/dxqsq"
    "lTEYNyQ5TRVy2Ew+E9RHf7hXUjHLCZJZwxtZunRjgvVefiNYD8cLrRC4+tWMgyUS1ZNRsX"
    "TpQrVbOXs2NI7ZpMNs1Id/zxS29Ih8hMBExDxp1wm4qXvZ7cbPld7w27abpfDkxu9r7NiY"
    "Mji01u9pNQs4kJmNzsvmDdrfjLzwhPZ2xQHYKJBgwbRGGsZTq2acfLeO9kKYqcfKPJUuCk"
    "qZBmkCN+/k36TJZ/u6H0DaV/IFPcdij9/OfTFNe8lAHV9Jh8KtZsuFRY07J6f3AJrOrulB"
    "Eq6HcipPql04/XX86vLsBPNxcfLm8vI24rUaI8KQ6lHbRuLs6uTGrevsgr0zW1Le9MvKSb"
    "0B1ZObM8dG556IhTeIYCPJ4NFN5gdGZY5wbCdMw6969asetdNy1HqpI9V5qdCuI8coYe50"
    "B1viCp2m+qjEtUT+zVgQkzrVdtKco/Kg2Eo+E9RPfVy5cN0OWjKtGV5wrBIOIxZVVSdVw5"
    "I2LqYw5pn/c//x/s6tq/"
)
