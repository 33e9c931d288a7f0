"""The life of an alarm after ISA-18.2 (store/alarm_states.py), and who did what (the audit)."""

from tortoise import BaseDBAsyncClient

RUN_IN_TRANSACTION = True


async def upgrade(db: BaseDBAsyncClient) -> str:
    return """
        CREATE TABLE IF NOT EXISTS "audit" (
    "id" BIGSERIAL NOT NULL PRIMARY KEY,
    "act" UUID NOT NULL,
    "time" TIMESTAMPTZ NOT NULL,
    "principal" TEXT NOT NULL,
    "action" VARCHAR(100) NOT NULL,
    "target" TEXT NOT NULL,
    "outcome" VARCHAR(32) NOT NULL,
    "reason" TEXT,
    "origin" VARCHAR(32) NOT NULL,
    "remote" TEXT,
    "request_id" TEXT,
    "error" TEXT,
    "before" JSONB,
    "after" JSONB,
    CONSTRAINT "uid_audit_act_5d4b5a" UNIQUE ("act", "outcome")
);
CREATE INDEX IF NOT EXISTS "idx_audit_time" ON "audit" ("time", "id");
COMMENT ON TABLE "audit" IS 'What a person, or a program in a person''s name, did or tried; append-only.';
        ALTER TABLE "alarm" ADD COLUMN IF NOT EXISTS "journal" UUID;
        ALTER TABLE "alarm" ADD COLUMN IF NOT EXISTS "last_at" TIMESTAMPTZ;
        ALTER TABLE "alarm" ADD COLUMN IF NOT EXISTS "shelve_reason" TEXT;
        ALTER TABLE "alarm" ADD COLUMN IF NOT EXISTS "acknowledged_by" VARCHAR(255);
        ALTER TABLE "alarm" ADD COLUMN IF NOT EXISTS "acknowledged_at" TIMESTAMPTZ;
        ALTER TABLE "alarm" ADD COLUMN IF NOT EXISTS "comment" TEXT;
        ALTER TABLE "alarm" ADD COLUMN IF NOT EXISTS "shelved_at" TIMESTAMPTZ;
        ALTER TABLE "alarm" ADD COLUMN IF NOT EXISTS "shelved_by" VARCHAR(255);
        ALTER TABLE "alarm" ADD COLUMN IF NOT EXISTS "shelved_until" TIMESTAMPTZ;
        ALTER TABLE "alarm" ADD COLUMN IF NOT EXISTS "returned_at" TIMESTAMPTZ;"""


async def downgrade(db: BaseDBAsyncClient) -> str:
    return """
        ALTER TABLE "alarm" DROP COLUMN IF EXISTS "journal";
        ALTER TABLE "alarm" DROP COLUMN IF EXISTS "last_at";
        ALTER TABLE "alarm" DROP COLUMN IF EXISTS "shelve_reason";
        ALTER TABLE "alarm" DROP COLUMN IF EXISTS "acknowledged_by";
        ALTER TABLE "alarm" DROP COLUMN IF EXISTS "acknowledged_at";
        ALTER TABLE "alarm" DROP COLUMN IF EXISTS "comment";
        ALTER TABLE "alarm" DROP COLUMN IF EXISTS "shelved_at";
        ALTER TABLE "alarm" DROP COLUMN IF EXISTS "shelved_by";
        ALTER TABLE "alarm" DROP COLUMN IF EXISTS "shelved_until";
        ALTER TABLE "alarm" DROP COLUMN IF EXISTS "returned_at";
        DROP TABLE IF EXISTS "audit";"""


MODELS_STATE = (
    "eJztXWtz2zYW/SsYfYmzo6qJ7TzW6XTHTtTGHcfO2M72PRREQhJqimAA0Ira9X9fACRFUi"
    "IpQQ+aYvCljcl7QOhcPO69uAD+aY2Jg1zWOXUhHbdOwD8tD46R+Ef2RRu0oO8nj+UDDvuu"
    "koQzkT7jFNpcPBxAlyHxyEHMptjnmHhS9IaMER9hbwj4CHLgIeSwNiBU/Qs5bQCBjygj3h"
    "tAPASIjzxAyUQ+BIwE1EYAeg64w57TAeecARq4iAFIEcAeYJxQ9K2qjsU45Ih1/GlH1swh"
    "tqia+O5jVeIP7w+v95cAe9DtnYDJiDAEkMfpFFCIGXIA5sCFjKvqBh7+HCCLk6GoKKKi0r"
    "//KR6LD6IviMk//2kNMHId9e9WWCkJlHVqSVH0xaeIMUE7i9GxYgPsfLHC+smfplQ59dWr"
    "lkIKHco/wM/vu9ddYLtI/DLHEkyd34DLTxcXrYc2yHw//AVCQuLx0gok3w+BhTVoPUiYf2"
    "epb2VaJ1Yo9dyKsWd4eO7xH5Ss1HnfsokbjL1E3p/yEfFmAOypGg+Rh6hQlPwCp4Fstl7g"
    "ulHzjltyqJNEJFRGCuOgAQxc2fglOqxA8qxlWZdXt9ZN99ayWgsdI0akmmn0yBYECjpEVZ"
    "kiYCir8M2/Dw+Pjl4dPjt6+frF8atXL14/ey1kVX0XX716CCuTsBUWpTg7//H88lZWiIie"
    "G/Zn+eBBYSCHVqLnhP2kwWU18HYEaT7/CWJOB+LHzesgZrxMCfGDRAvJiFOFGsbwi+Uib8"
    "hH4s/DFy9KKP7v6fXb96fXB0LqaZboy+jVYfjuQfWrmGPVlTUYjuUbyO/zZ89W4FdIFfKr"
    "3mX5ZegeUcynWq04hWkgz0eHK9B8dFjIsnyVJXkspgA4zBkpbsUgn89xCtIIiksove3+oo"
    "beMWOf3TSVBx9Of1Esj6fRm4uryx9j8RT1by+uzuYoz0zGWdLfCdY4HqN84jPAOeqdCNmJ"
    "/9EwRZx/6N7cnn74mNHGu9PbrnxzmNFE/PTg5Vw/mBUCfj6/fQ/kn+C3q8uuopMwPqTqi4"
    "nc7W/SkmrBgBPLIxMLOmlO4sfxo4ySE6NMV8tZ5BbUHFk/Rss70DIJvBwFFxq5M/nldu62"
    "+uvz3dq5h8+PXx2/Pnp5PDNvZ0/KrNrYgk2olK7VGr0lBTNdpc5dhSIufOv15r0s1Oi5zn"
    "qG9p145SJnuJauc+BG33uj776Ws5YDXcuhqJl2Kwg92GQ8RnmWR7HXloI0geSqnTY2Qu79"
    "WiNaFmkGszoPZrGu9MaxLKoJvauCISwmTThE2F23T83AplvVv1tZFEFGPJ1JawHYhM5V9d"
    "QVLWou8v7p0/m7fN5TkDnGgwA7HQlsFO9h3DzsIunGr37og1rkHNylFtrkg74wXyeQOtbC"
    "G3JIimQXX40Px/NPoAeHih75O2St45X+wMG8lZcCoF60S1MAZiJLUwB+lmvu8Qq7WnYXf1"
    "AypHAsl8/jN08YkNVoAwc7UkiQj5w3QFQBec43xHNzFva3V7Rcrj8VCJuDEWSAT4jMAGCA"
    "DAAfIcAEHPTE296J+B+7Q04P9NGAyAwADjADDvFE+TJLYEQm8pkoGTkdcOUhMMGiyQeiop"
    "58KtRA+sSZAheLKQdwAjhy3aIsgN9bklvZCAIuTG7U+rMsLyCemlZckpc6tGKMWZDfpwX5"
    "qFWsOgBH4hsMvnu0uLNk9E3PZXHj1zEWY4xZMau1keiLX2pjP89QKTYQMyCzGr2GdShGGp"
    "xnlJeF7WJEIwivIJOFQyosBJ12nSAawXHVjTo2vjRadQrSCMp3nTik78wbL36jJk3xEGuN"
    "0wnCNOiVGvSYcK1EuARhGvQaaXBI/GzGrTy/tIzzNMrwrs87opRQHcpnAMO2Ptth0GmR7p"
    "9uri7z6U4Q8w4rtjn4H3AxWyVZbH94l1SU8z5PcTvrfcoCFtyaAUc5rbyY9hnAsK7Hek2C"
    "42/JWLxzrlV0YSFCnnrbLguT26HcaoHyUxCJqzjyZITC6DLj4k92ouLQPa/HRzIojTkD0W"
    "azhaj4BuVo7kNz0D22UTR5QttGPtfcFhbV1ApLKolDz+1A2+hjMXhbYe/iuGuuWbFR2HV5"
    "7Lv13SDwVEwFqC/J/xx/36p+SFgahy0Ob2ca1qpkZ0Am1D03g6n/a5hpsXwjnL3Ko6B0yL"
    "SshUh+I2Nhj0jfiY1mIv6P0taxg8Y+4bn5o2eEuAh6RZNjGjjHfV8gm0X+2dXVRYb8s/N5"
    "dj99OOteHzxXmhBCmGdWgzOLLIG02TQJT8MM3avT7SDouNjTXilO48xqca1Xi+f8Cb0tJh"
    "moUXStFa2c3UUVl2Rjx4BGGAe7XvVQbK2zqyGFMz2o1j0oZ9GwMOkvb7lwh5uTd5/2t7X9"
    "ycgn9ijHfivJoJxB1iK0ZqHkKtMoTZbBoy3KBp5mEC9BmJ0Cc1lfFENXk800xvBZt8WlG2"
    "n0lK8wzUTaKywzWTNbdflik9yYoMTlKhCMV4yeMODiAVqy7UITm7utIa5y2Da98n0Nmci+"
    "MgE1VntC03LpApPZ6FDLjQ7ZdrLquJdFmbWg+bUgY8JvwYQ3i5Rbb5gmOrPT6IzZ7tTYqI"
    "woSnKzoNziNecEYVLU1l90NumvVcYT1OFO1GLos55NnsWZ+Nm68TMTtayK9ZpEKt6FbnNO"
    "gOLdzKEujkskTvcq2a+hNIAM+Ij4LgIUDcUchKi6LCE8XWGWryrF5B+iTELVRQpC3CeUK+"
    "G8pNhtFq9ud7hHVAYfekAdw8rARJ5GEZVtj6AnCAUHMtu2ewuHT9+oxFtV3hMWFcaAi+C9"
    "ys6FLvHQOjm4Si1LwiHqBojI85DPLOxZASuOhkQ3QUBnjD3w3ffgCRUmnuDpyUIebpwluF"
    "oCbqYKJv22tum3+bmixV5Yo3JFKzisTBGkwW8s30B+t+/kOhTf5+3VKaY3QTSQ4JfHKxD8"
    "8riQYPlqzggnNtQ95CGNaYLjU8WJhohzUQWtPPI0pvpc8tTU1w+wK2rCOvKzjzH77cTZt6"
    "EP+9jFHOfl3harZR5nVLN11TAseiO3ctTyg0tg0XmQKdCcTgYStSttHD3rPKue93dXn84u"
    "uuDjdfft+c15pINZEFO9lI+STOjr7unFfOa5dAl0Bv4ZoLqptYU8CXd21bR3bcC42LvTml"
    "sj+QoZJoNBnNi+jwyPEHR5ThyrmOMEUSXLd/tKMIMDpHnT2gxRIcHyo/tKsQnFPkYA3CSQ"
    "VrvgU5P9BHukhX1buA4p6K+19WoeazRdZ01H6yWLSi6csFIIc8Pd/FRki5llvR2LWaRJ7K"
    "l1rwl8Z001Z5FGzbVWc9wn9a4KyqIauHqxk8h63DH0uM6iDNfFXNcqd6V7Lw8YKUxgCV+3"
    "l2exWGgmuTSX5YaMER8J5gGXOSEjtSMGOUDdVhIWp24r4SSVcXIg+QY9F9uso5702qDH0G"
    "d500hYFALRRTpPGBDjD5afe7qY6lL513M3+Czu2WmnIhBRJp7qPhpbf6J18FW3AKU1Z83A"
    "mikndUuaftRNQfs/5ZpD5zZVtM6eVZPostObIGRbXuS3eCE6ljcZ/xtk/OcH3ncUda9do9"
    "5yFEM7lX+THP6akvn1pJP/4CLElcldsO09K1Bqlg+k6DascuyFd/wFPqL3WBqTYohDaHXD"
    "uqwAzWxuvRv8UhSYe/xq2/fKbM66ORf1ncv3xL1IJdGLIWtRtSUHLkfyjbB9q14nvsOe1r"
    "0vsbwhew2yzUHLj0K7yT2plm8HcYhz2niJez1DGAd7L299+SmMcF8NBgzlLhpkBdpl/kkU"
    "LbdIIrvURXlPJuKVvMY8Qsu7xSP3QtqQfcjQiYraC5OfYsRA4Ms4fi8OyPcApDmeyxbLXe"
    "7QFLoa0bd1wqspiNnGqbuNM1aenoOXRpkoy9qZomyEfX+tvI0s0nh5tfPyajJZXaO/kC2U"
    "/hFOXQKzQ22BSOmERSNhy09Jr3BuQyQeBsX6lNwhNa8IpStoB/Sw05MTDgQOHiLG5bGR6r"
    "CECZQnIdgI3yOnDRgREhT5SLyR0n1GaB85eWc5VPHJTe5C0wvjzRO/5cMqzfkI5nqy+q8U"
    "m0Bok6bIjGqJj22dsMUMYMJE+xAm+toJT5lL816WB+m0wMtKQPNXcU2jK7qaQ/tZFPmZ0S"
    "5YPzu/PL3+NZ/3s5xI0dmvt93ThU3/f+dMGqXZAxHCOLbrO7aBr6xZpLlwnMUZBexj/sY1"
    "ktc1CpbeE4r/VmTl+JxzMu1ypzOStkYp8eW5HEItLgL30A0QC68hYEgFLsP77kGPwok1oG"
    "SsIpdAfFd8yAkP4fOwC6QJqo788wgYI6FmO7wgGwg0gK4bFZeTBFLll5dnVoclLORQm3SP"
    "WqZ7GMdx645j1AEW+CxOMk4QjTB3K0gzjkc0XQc9jTNOeu2c9LoZFdeB+t3FFoUSWNGcoL"
    "HsSouuLvGG8ZwuZ+075PO2XCF14JSBg0vioRM1QaN7RJ92QC8cRHonYvr3IeeIemCC+Qj0"
    "/tVTk3vvP703oBcN3bJt9AAa+3wqAF7OlUqPVIdc+yIZH1NQY2Hsh4VhpsMKdt2kuoUG0X"
    "OwBrK9/VOupAUhh79FnkuOdUyD1jzWcX9SsLZxqiMlrhv4axCdxRmuV+DanOfRWHvanDHx"
    "1Z0xca1GwAvI8x2X5G251xKOo+7Kt7dek0kUe4xuNbHFh5XxL9wF6IERCWiYHIMZkKUjR2"
    "Z0Qpci6Aj7XzrloOeSSU9leY7wcNQTDkV8o8mJKGAiyhe+lLybRObMcOLmZOI8Yj1yXRcm"
    "vhcmzmSCZrIaxoHZDwcmUeGqg2aCaOCAuYP7MUwMetsxaDW+aFpzMcbYcbW249xwG7qOZi"
    "OIUWytFSttDe0+G2GMamut2sKDZsusuCaeNfsVJaYoD+qGlzpiN3xVT2x2rbjOlj1VSMbR"
    "OVH5HHFeyFiUSTF0MUNO7024HcEm41TmCB+JXjASHo7auyBdHXDAuHj1rXQNO/4057S/R/"
    "j+BlsAH9+6f1wXaye2fcnxIrFCdWe6DNAcq17n2S7drXXVPI81mq6bpmsyv94iF8mF4mne"
    "7Jq8LJ1beUZs6cR65UVZljLASMQfUbLkQbzLj3XGDmAo3Ev2ImdqXKuElVMu2wXH2q4cZ6"
    "zblidzsOxGI7LJ+txU0Sbrs1ZpLmroXKS4JB9ghqjyMs39TQXgUO9231jeHC5kTu81p/fW"
    "hcyvJ8h2KnxFe9TK8QCiN6XmP0xkltn+xSrYIPSUZ359LWv6G3b4YtO2MNRebIgVB9qbYI"
    "nt5MIi2ak0GI7EG8juTuxcGQ2IDhFf1RJLQTYyxurGdhXW2KNOZg//By71FAQ="
)
