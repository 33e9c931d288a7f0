from tortoise import BaseDBAsyncClient

RUN_IN_TRANSACTION = True


async def upgrade(db: BaseDBAsyncClient) -> str:
    return """
        CREATE TABLE IF NOT EXISTS "device_claim" (
    "id" UUID NOT NULL PRIMARY KEY,
    "laboratory_id" UUID NOT NULL,
    "code_id" VARCHAR(16) NOT NULL UNIQUE,
    "code_hash" VARCHAR(255) NOT NULL,
    "name" VARCHAR(255),
    "location" VARCHAR(255),
    "created_at" TIMESTAMPTZ NOT NULL,
    "created_by" VARCHAR(255) NOT NULL,
    "expires_at" TIMESTAMPTZ NOT NULL,
    "device_id" UUID,
    "registered_at" TIMESTAMPTZ,
    "revoked_at" TIMESTAMPTZ
);
CREATE INDEX IF NOT EXISTS "idx_device_claim_laboratory" ON "device_claim" ("laboratory_id", "created_at");
COMMENT ON TABLE "device_claim" IS 'A code that makes a device known, once and soon; `device_id` is reserved when it is first used.';
        CREATE TABLE IF NOT EXISTS "device_credential" (
    "id" UUID NOT NULL PRIMARY KEY,
    "device_id" UUID NOT NULL,
    "username" VARCHAR(255) NOT NULL UNIQUE,
    "secret_hash" VARCHAR(255) NOT NULL,
    "claim_id" UUID,
    "created_at" TIMESTAMPTZ NOT NULL,
    "created_by" VARCHAR(255) NOT NULL,
    "expires_at" TIMESTAMPTZ,
    "revoked_at" TIMESTAMPTZ,
    "revoked_by" VARCHAR(255),
    "reason" TEXT
);
CREATE INDEX IF NOT EXISTS "idx_device_credential_device" ON "device_credential" ("device_id", "created_at");
COMMENT ON TABLE "device_credential" IS 'A device''s way in at the broker, by the broker''s hash of its secret; never deleted. Its device may be about to be made.';"""


async def downgrade(db: BaseDBAsyncClient) -> str:
    return """
        DROP TABLE IF EXISTS "device_credential";
        DROP TABLE IF EXISTS "device_claim";"""


MODELS_STATE = (
    "eJztXW132zaW/is4+pJkj+LJe7vOnNljJ+7EM2ncY7vT6WznUJAISagpQiUgK5pu//vigu"
    "8iSBGyRFE08qFNSFySei4J3PvcF/zemzGXePzkbDRiC19cs2XvFP3e8/GMyL9ozvZRD8/n"
    "6Tk4IPDQU8NxOE4NGnIR4JGQh8fY40QecgkfBXQuKPNh8A2bkSFzV2g5ZWiGV4jTiY+o/x"
    "755J4ESF6dCOL2EWdITLFAGMFjyRHynwThhUsFohxhb4lXXB3jcH5OAs78J/wEHsNlI/kc"
    "1J80dseFT39bEEewCZEDAnnf//23PEx9l3wlHP75e29Mieeqv/dGU+xPiOtg0YNh5Os8IJ"
    "xLiHgsGeuCul+dCGAnklLgr+bqdE9JS8zVP/4Ayfmdo+6UUylVUuq4E8v++OPlx+/USIBs"
    "6IyYt5j56ej5SkyZnwxfLKh7AjJwbkJ8EmAJW0bT/sLzonciPhTCIg+IYEESPNz0gEvGeO"
    "HB+9L783jhj+A1QepO8J83f4keLTPMcb5c3To3F7eO0yu8XvAIa/qPDo0kthIm6guA+Pc/"
    "wuumgKijPbjBh09n109fv3umIGBcTAJ1UsHV+0MJYoGdVJspymSGqVcE+sMUB3qgE4E1rO"
    "Wj7gflGKA9QNqb4a+OR/yJmMp/vvz2RQXG/zi7VjDLUQpnJieNcDL5Ep16FZ4DvFN8AyYH"
    "GcAbj98NuvGBFN50jmsc39evasD7+lUpunAqD24EBzxVAeJzOrn0hR7kvNwa1DRcF/YB9c"
    "t94TyBJ3j+369evX79zasXr999+/bNN9+8/fbFt3KsetziqW8qlHF++dfLL7d5PcCBPPqj"
    "gAA+sCIU0P8ozwg6I3r885Jr+LuR6En8lyN88Suwvb38/uLm9uz7H+DyM85/8xReZ7cXcO"
    "aVOrpaO/r03dpHkVwE/XR5+wnBP9G/rr5crC8Aybjbf/XgmfBCMMdnSwe7WUziw/EhrZqH"
    "K5N5LC/Vwdns1du3NaYzOap0PlPn1j6p1Mgy/aRykvaTavUn5VIOKG+j5zXRHSg6Mrisnn"
    "ev5znmfMkC15liPi1q+la6QXotFwS3mkCPSLMX/7zNKTWeJZ9+f/bPZznFfr768td4eGZW"
    "/fD56nxtMk1ANP/K1kTtV9bmr2zEXFLyhVXYJ1mhLnxdeevk3Zsaxsm7N6W2CZz6o4gy+T"
    "qnUnPb2CdFcftVtfmrAspRmhnU30LZ67JW023TNLCu47sMIwgHhnh0t8Ry1SucYa9Y2dji"
    "qdmr2foR7OOJUhKgCc8Z8/UeDmY9HZGvTvQrOfxkSC0GX0ylPkO23CfE5X3EAvU34NFxRI"
    "2/R8wniM2JjwK2hIOIs0UwIgj7LrqTL9sJuhQcBQuPcIQDRblzwQLyJ/U4DhfyFeYn85We"
    "1G/6IX7xf/EHv0phH3uDUwgncIKIL4IVku8yJy6iAnmYi20iAuFDgSA806aowEKFBdTzwU"
    "8rjQignz5dXF8g+R3IXwYGGLq8QV9+/Py5p6anzP3DXxBNMXTjA6T3DwV3FZOoIhq1UQkN"
    "wRjNbu0lyhskGMtjFekLV9fKSyUsA1WPgVKfsgHC8fgO4vvyRa140IuKeNCLQjyIQwCXCi"
    "MuNSvTQZx3HxeaySVAGhwmjEtGpBMQN0225BZjE18hJ2h569Z5CjkOIDHKjN3/nKT1B1ut"
    "5Tg1Kq/gUiM3Gd+ZQPqrl2++efPt63dvEvM2OVJl1RZD5OBabfG1ZMTsp9LmTyUgQvrW26"
    "17eVGr5zbrGY/u5CmPuNsF5zXiVt9Ho2+zxBeNaPfCS/tJfmGzGdFZHuVeW0akCyA37bTx"
    "KfHut5rR8pJ2MmvzZBbrymwey0t14etqYAqLQZMOkS6rvt43lQjbz6r9n5UTEMx1+efli1"
    "ZBsAsfV9NLVxTULOJeXiKUEXlAndDx4L6hKqgtKQBz+neyKqvnS072K1MB5tS5I2qh2pwM"
    "cIbmAZsEePaEoyVeIer30XCliuRuPp09f/X2HWJjRAVHnIykl36CBlL38m0ULFg51B2gL8"
    "wnp1JOMIQ9DyVnKeGxKFvKl6iYA9DwvQ0D+nHRXhi1zhRp1ImshypwMpWVJcH19Sg+uWd3"
    "xreJpCpuY+sKD1pXmH+X6qKdl9ol6kc7Tefp5MxcYIJrQdAugHlk1f8LgJZ7R/H4TsSK95"
    "06HK5lxinaa2IW6jpQjxhco4Dy326uvpSgnEisu5t0JND/IY/yvYXxDjMtABbV/si667E2"
    "f8AF1v0RWwy7jSqOzunfvgBi57UPVs37jOsmTomhmvOSlsFrs5ZVmsViu7S1dVmr6ePQ9D"
    "hgMxOytihp2dp6bG1b+EVohtXTcYvqRL+SV0yGbGQVfwrbcIUVPKqsB8dcH5Tn4KT3lurU"
    "1UcudWGQVBNx3yP5CMR3nzPf0xQO7e7SUA50JiWkYS+9KiSWDCqMFHGY9AgbyLODU/k/Lp"
    "exARqSMYMKI9VPzGW+vD5UIU3ZEo7JKxP3BF35BC2p/CwW8kF9OCrVwFQHM4/eExcJhgTx"
    "PPkAA3+gLjBw6YRwuBNQlnMPj5L2ZaOpfE/R06iiCVTgqEMn89WzE3Qb0MlE/mAUkPECqp"
    "nuSbBCYfuLMtITqE2lR/mAIybfgn9X0aDxdF2zpEg9YCxjC4qOqaAoeivqs5O6pd7SkvHL"
    "b2I/xTLWEWq14TSXv3RE57pAa0X3kqxQJ2i7pqPbeKRvaleVdljSzu44AW+gEk/gQFoIJu"
    "91KtEJjJt+qWPjy+Ctzoh0AvJ9Fz6aJyPZLKQHvdLSGaFG83QqYV/oWi/0jAmjQt5Uwr7Q"
    "W5TxEvmzuT5towrzrJTF3Rx3EgQsMIE8EbBom6MdklpFuMuj5KnEg6Lkx4P7XoLkeCyI5i"
    "0vhz0RsKhvj7rNGjPSgUnWmBl5u8Nu84+GvM02TYaAgQ5xHwcrPeKpzBrsw5UIk56OzN6u"
    "QjGaDpK5Q04d55dfzq5/1i+V55rp4/zn24uz9sTuPrCZPOeWFAdkzvaronijcJwaVKM6IB"
    "quolTLKQmDX1zIf/JTFZ8a+AMxTfL0w157vTXtPeQ6hln7LrmnIxLN0Hg0InNh2BUvelIn"
    "vJLCrlbq/oNuFgtX3M6m8B80hT/3YtUFOydkI2W10szLvbxOpZk3HkQJJkaZ0PF4mwf9AG"
    "fDBgwP8q5Tl8zmTGjbZ5wz5hHsly2OWcF1K1lKdgv886urzznwzy/X0f3x+/OL66cvlSbk"
    "ICpK/BFpRi6w0BVbVAKeFbNw14fbJdj1qG+caJKVs8kmrU42WfMnTLS8JmoV3WpFK2e3qO"
    "KKUsBYoBPGwb6DpgqtbZo6ZeTsF9TqL0jDPDdBOx/6w9lxe1YyZyNNSXIVh5+IbAVoy6Ig"
    "hyHybZJSs75hsPANSbxUwkb81pJGA4o9QzSzMhbPtgWXbsDoqY4wJUP6NcJMTmKrbg42Qd"
    "2UGg5RIBxHjJ5w5NEx2VAVZiirrYqKHzl8N/3qsqgcs69MQINoT2habgww2TqpVtZJ5d+T"
    "uvNeXsrGgjYnj1gT3tiEt0HKnb+Ylp3ZKztjqyU7y8rISwE2BeWWx5xTCZvhun3Q2WbPN8"
    "knqL0tAoeT38xs8ryc5c+25c8sa9kU6i1hKj6GbrOGoPiYONTlvETqdNfJfg1HI8zRnLC5"
    "R1BAJnINIoHaKzps/pLkq8Iw+Ie8JgvUPtJy+JwFQg3WJcXu8vJqc+t7EgD5MECqcTBHS2"
    "iWE107bArjoqeQbXtxiyfP3qvEW3W9Jzy6GEcewfcqOxd7zCcnaDBj4d4mAwlUwGbyqRiQ"
    "Jmm37VJOpYpAKZRTKGVuIFHUttmRvwLHHOo76YVKqZRoF23szqiP/vwX9CSQ9qEE+UkhiT"
    "dOMayXvZt7kqrc3bW7xIga3EOJ7IorstnBu84ObkVV0e6cmRfRn+ea/0R/Xh7cM0++ogLc"
    "1e5jVs42KmyzB2n7kO93gyYFkAG+8fgO4rt7ZssN6L2uvrcc3lSigwDvvru7x0bYtDFUVq"
    "YLbEcTu7gRIeQjmLXRz8g0X0CSMSiHC+rJJ+EncNtD2JT7aa+P53hIPSqo2e4G63JWNTtX"
    "DafyaxSORi3feQyX7YGXEVrTyRik9qWN1y9OXjSP+8erH88/X6Afri8+XN5cRjpI7E51Eg"
    "6l5Q/XF2ef18tNwJU3mfgTgeaW1h7xQdzd16u9bwPGo/6d0doajW8QYTYex9Usx4jwlGBP"
    "GO0ClEo0ifLdsQLM8ZgIs41+E4kGAYabHivENv5yiKiXzRpvNsrbkiKiI9LCsXGNIQTDrR"
    "jldVmr6TZrOgqSFpVcumBlJJpLO3253wVrZzmndq+/R/HVLObulmrOS1o1t1rN8Tc5NPKa"
    "8lIdjF7shVmPPwwzrPNSFutyrFuVsHZxD12FSrPWwtP9zalrDklGbkxgu2EzIqYSeSQgEW"
    "yqyuCIi9QOauHl1A5qgmXSzJ4C3mjg0RE/UUcGfTTg5DfY/Sy8FEG/skXgY+8JR3L+oXC7"
    "Z8X8tsbvrq3qKxbq9TMMRJR+qz4fg3q/KA5et+4vqzknETZM5GpbpcRBKwGPf8m1nSYfqm"
    "iTQnWb6LLX3aPgXS7iWx6IjsfbMp8HlPnoifc9se6te6l3zGIY1+88pHCnpWA+nhqS7zxC"
    "xMeFWPU0Bnl6stIcH8Mwx43H1dsTmfkETeWHHRrBYHohlxF+ijgJ7kneLg7IiAXuCRqAwA"
    "B2HJaWsstUZYg85rkkGKAZXknLWB4G41hXZdLcbTcXgJTatjGKtTMlF7uM0R62p8VesiTL"
    "rUvQqgnU8fguRA33nZEafh1m6MYSFt/N+EZoaIM3VWt1Xq65JXtfyXWHyTng1B8ZMxCJkO"
    "X9W0dCtMkYU/xnSeOx/IAaRtkOKFLqK6qRL+bSQqLA7MnJlpD6LGfVBQxLZePPo15RagYC"
    "J5bcRdGobTC224m13ERrG9Nrp9ndVTTKKauo2ootb6LxnSAim07au6O+0ca98XgL9hZg26"
    "1uDgK7TQRuFm+XCEw173hFrCORsNEOs2hHm/yTT0CDlfkmnyKObJNfEnNpdVoPKbp2ScUU"
    "YaSk470x2dLvIzxj0uPg0soPsHeCBmMi3Wx3cAp9e+6k8cFhtGrTw9+jQcp/yBFTtpQnBf"
    "Fh7BRz9Cuj0mHR9Sc6yDM8gEY+bL+IR0UjUx82b9XxQRXNhTIyNkXhyLnNPaenN8xtShcO"
    "OBWTySMj0gnLdd/kPXSXK+Jb+l7Hw7sUYN9dtgLVbrVY0ZCD6jdZPFDLB7hfZ1o+hHaPZt"
    "au2vgyFWpw28vkyNHuezlhuj0vK5GORSzOJvuLwg23q4XMSdpKyDaz0bGuzApQ8lJdIJEa"
    "qPUpLTotx7m86rQLBubuO1GEHMIWU1ZO0AbQWj1lTQkOxJBgsYWe12Wtqlun6pZQvn8LK8"
    "yuxmNOtLRvfkC/ivqNqtUclo7dSP9+Ykt5KkA4rnWDNNwoowQouSHm5FQxscSXLwThaDGH"
    "NN1BXBA3QDjQJKvs8LoPoGmje5tQhxkR25zctDl5rDwzYjEr1SUSpumsySmdz7cyS/KSdr"
    "Gyi5V+sbomY/lDprfsjvglGZTrQyoXrCAcLKd2ObpuuDISQkoIDVdqSbn5dPb81dt3YdTw"
    "vVx1Fpy4qhhFLjt3ZC5gTxMPoojR3iY8zGvsw5ozJCqK6CM8kW+MLjzZyD0NczWjqzn1cj"
    "VzUDuRrFKGYcLmFHOzPpLReBv5NI58ZjRsYMDkpWz0c22VpJwvtlokc4J2jWzdGpnrd8O3"
    "6x/FLZ3cWv22xgb6lYykzn/AK4/h/NpYMmSDDRQOduaZ0TXMoGh4WAsyDOSyrowSqXQleo"
    "IG1FU1tRi5dEK4yqhSu7QtMWzBNiL0nrh9xJkcEZA5kWdg9JCzYKhP0mriloZGkLbnTl2L"
    "KA+8k27Yt4siFrvz2a7JBdutZvfdamz9T5eWyJxq2ZyOirotz9ZPBDoRAux8dcRjBzxjLq"
    "0zzT4OViVMcyq0nqSzitLWugP7eZRVlsAuUT+//HJ2/bMe93NNFtr5z7cXZ4WUwP/oMqOq"
    "OhhFEpbc357cX8yVNatN/6uCPidnFWCkgNa4nIL4gNInFtD/KLA0PufamH610xmNdqaZ4Z"
    "tbGEi1eATdY29BVM0NhrZOELwdkjELCBoEeOnA1t0qeovkfeWN3HD3b596CExQtde4z9CM"
    "SDWPoBmr/LeURtjzostpeh80eefN3V3DKxT6uNouB63scmAdx93viB1+AAU8y+NAqUQnzN"
    "0GWp3GM5qpg56Vs05665z0thkV1wv1u8stCjWgpjkRxGNrJZ6p4Hi0psOqDUHzPmSJuXjF"
    "0dMvzCenaoGGyt9nJ2gQTiKDU7n8z7EQJPDDouHBfw3U4j74n8F7NIimbng3BojM5mIlBf"
    "yVPkntAM+gtS/S+TEjai2M47Aw7HLYQOfvzGdhAPSaWAfR3n19A1gQMP0Vca7YWjortOXW"
    "0scTMd/FztIB87zFfAug83IW6xpY2z3FOmtP232umqszbIvvQic9ncciD1f7KdGAjc5JuF"
    "OWKliRsy3hfWXZA5coASaBx0Z3wDyKJSGqpGUm/YKoiHKARmwhtRAmvswJm3sEjabYl78E"
    "PYVLXNziiWYTq4buqXU+5GsstS5YsIoIL4Xsg5wPm/+y6/yXgpLqAl4QbAWd+SL681zzn+"
    "jPy4PznIft89XNRaTo1Bk1mMmItKPFDNy2My1m0rXGRCd5qXaopVOdf+xO4j27k7h1B+1O"
    "4lbNRTXbncTtTuJdwbotDIvimD9joQ8Np2f7lXxLyFR78cCNvMt11Ms53iYQjeSNVXiV+g"
    "j7aMoWQVh+RDmwJB5xoW8I9uS37K7kZQM2QwOPLQeql8iUTqaDDE2y1g4aqpIE8zS1Tgd8"
    "Di0/w+X9wtKkXFoSPIYNER9HiDhVYd1JM5Xo4IS5+6ClzfLbOful5hdDyzmWsTZzq21mL+"
    "zNYqLZSMQqttWKBVvD+JuNZKxqW63aUhKwyorrIg/4iEp/lAd1IyodsfB0v4YnxkVtVyxt"
    "4KguknN0TlXFTFx5M5PXDCj2KCfu4H0Ygx6xWaY2R0yh95T0cKJN3j0XPeVCnvoTuIYn85"
    "UmHH6A+z+g0eThrfsWdcbalW1fsW9prFDTlS4naHv8tHm1y37Wpmpel7WabpumW7K+3oQN"
    "gkqaWWbOVq6umXaKdVo3cTrxn1O/L5cqOpoiD3PB0cIX1AM2kEJLZBc6SQaIfJ3TQFcPu+"
    "1FDNsr4ZFKLIv4kUzsE4Q29FeK+xBG11CA6fsqwVefual6cMObKJmKW9jUtYOmruXfo7po"
    "56UsO2eTGB7L6ti6XpZWwftTcLQ+b6HjvKRVc7vVHJs1pkrOyFk/puUadsr6wJUTQXmp7m"
    "1ytofyVDJjQkO2VfXaiyW6gG/VN7OPVnvSdfY101Y53ImARbse2i1hQ26JR6AxwaqnIUPS"
    "k/0qLkTkhm1kQ678qKsXpFvB3hlRc66ncVdpfjJzESehA/xWEyjY6gq1W3z104a3ZM5GKk"
    "zKyW/1s67a1mL3oHGC41/tbZexhyradhlrVVsVNXUWIa7oP5FIbNl5om0g77n1hMATo1q6"
    "ePyDquiOx4baS7lcslTXLJZLxnepQe7OquXA3ilgWdl0OBToEpiPJ+Xoc9ItoCQqmh9Q6Q"
    "yknQfqeQNnKJU4zXaz6EeFGLyPAjrhqjUGWGJoSFQDP8FO0Bfo0Bd3/u3DpnvLuEKDjFgA"
    "0VD4JbAXny6g2uCdH5BoZOOVTcQrD9v2oUWpXPsxOW0xuy1mP7TdeSR8g61yfmSVt9+T2V"
    "DOdlM6LzG/8gMqza9ZMrSe+fUTWC2czciQuSswX6DaNWMYFc2mWhJasjWf3JNvUbVOrubS"
    "wwrdrDJXqpExlmLi5K1TmznWRkvMZo7tgVftWCe5NkELrRtN1ud4fAdX5t0H/jn1dUU21U"
    "ZuImTt21bbtxN6T3xD6zYr08EvqGu27QfVkrbErk1PVtq0YVtbZ0q5Ca0YEQjRzmGLIWz9"
    "DLUR2IfyCBLIz98XwPsxNMMuQVRAYcUq7MEbknnA571H8sGI7z5nvidPLgMqoIeL2v8jHi"
    "WI50HzGB3HeKjH0FvgQ7ZQjn/MrthOMq2JBVSZxNZ625v1dief3mT9icd3cO3ZvfWWzDe1"
    "vbhYwL6nx8mgH1GMu21peu19TY/OsZjLXzqic+yZzOw5oQ5O73tpDlpW/FCVmN+lwoemE/"
    "OjLT6KgJdnl2VEmm/T3qEMszEklpsAnwhY2A1hbwl5cZE46CUERn5Av4rESJ39ugTG3MP+"
    "adTrISIOOJowJKYBW0ym8Rkhn50DZ0D8DGngEezysCktFEgIFm6LLmdl6IO0cFd/gstzfS"
    "Omhu/9gP2JcmHCOCWnXlQwVYgTC9p4YBvjgZb82JtTafc62q91XMJ/VJRRlvAfe0S4d4DZ"
    "YC+mMXQ6XGgMtIqGfIlEB1/oPcRi1XJvYgGnEtYEfoDnEVtgRtBnZCz4DwF/NCXuQpfiUQ"
    "F+RqYdW6N1ase6I+HCbTa5JcVbRIrbrdEehZpt0YDdGq0rWLeEB/4hYIJJ/V2TKcEBx15P"
    "wwUXB/Wr+OB5NNwJcuPrFWxglEiFiWVxlpnatEywXLbYCRpwtvDdwSkkic3wCg0JwsEMWg"
    "WrbeWRvKdSHVxLTCkH2rak8KOpOxt2LY6eIuL54lWoHhGs14Tlgi0XfCST704TjAxxzUtZ"
    "UG2O0WOxs22OUVNWtoB9PTTkZynbkwrYxEddc5+QGnaUVWoUL1kX7OAbvIewCdHla1U3U9"
    "Kmax3129tIBUVmdsaB/JuQ1okJb5+XsmGTh4RNwPHTvPaMeQT7Je99LLOG/FAKdQvy86ur"
    "zznIzy/XI9w/fn9+cf30pcI/7TZYfNOX05W0UYyyDDIiNs/AOM9AvvTw/AbTSiphp5QHTS"
    "ljscSB4Z6LqYy1VkqslbbRrPpk2+zpfh1qtR6heobi8Wi4QlRw1bjvfVJVy/GKR21u4GRE"
    "ePATNPDJknAxOA3TWxfQZCbkMQmCTUa5tufgfm92mFTahEG1ibSHJ58seWoTabtHAVGhy8"
    "AqN3ETgU4g3LSJGy42BoxbKtAlzsJmWNmQgM2wsmq2GVY2w6qjWLfM9f9H6PBuYAAyo/q1"
    "cqwy6d9GhADmaafbpTwI7bnQ04GQZufgmSp4lSM+X364QYGqeVVnpS4XUFY66IODHlbKDl"
    "w6Afdd+vbP3iNfbR4Q1eVXkgSNPMAv/i/+7ZSgWA4ICODf0B2ZC7gB3O4U/cqZP0RLtvBc"
    "NGbBhAjFPsBmB4qKiNkM3gf6Irwt3GJE4IKY30W/VctRJKqKGApFcAD3UDgV/pCHdS6z3I"
    "LlFo6GW1h7/+sCuyZmYV33ccMppoBouY+bCFgfV5dVMpqSGXbMa7OKghZfDb7RumdgBacS"
    "HbSA372pYQC/e1Nq/8KpNY5RWjlGFGM0vhPgNs0wxramCeBZGQv6FqCP5e+Uz2PWxCojY7"
    "MXHpC94BtuYO8/ZPv6x52hY+n2rVRhedgjXUe6zQ3ehFnnJZxg5my/iguMctdrUoA+wj6d"
    "Ye8EDVxMvdXgNNOLHzraAfvFxmjsST9a8XBjxty4vV2cJx8bLKrV3XtVOylooKofCXTJuy"
    "chY6YuIPBEQwUe8EEMSzBLsoz6ldlDC0gfip8SDjrUdxa8PIkI/fTp4voChZ2b0J//gp5E"
    "P+VJT80NVQ8UjDenM+UeCAR2+EBmSVVZVErvbnOqLO/ZvvXI5lS1dUnPEXZzMqK6fm4V2d"
    "SpiEW5JsrkqxHC4fAOorv7wrohDcTUAWdM7+bpEc5LVbl4NSA/nm704LGtF7KMdUtWxcaF"
    "Y+1KVe/lbBlS+yaTbTPSPX/8yhsyITITAduQcS/cpuZlryY3G37XO8Nu2u6XPZubfWhz4u"
    "jIYpub/SjUbGMCNje7K1i3K/7yE6GTqeiVh2CiAf0aURhnmY6t2/Ey3jtZiRI332iyEDip"
    "K2QY5Iiff5s+k8Xfbil9S+kfyRS3G0o///nUxTUvZUG1PSYfizUbLhXOpKje7zyGy7o7ZY"
    "TW9DsGqW7p9OPVj+efL9AP1xcfLm8uI24rUaI6CYfSDlrXF2efbWreocgr2zW1Ke8MXtJt"
    "6I6snF0eWrc8tMQp/Eju6Yh88DCd9TQuYfZ0v8ohdNVAZ5SMrFGeO5KXQQIcvBm+I1y6ee"
    "FV0J0Eyu8jBiWnkMnGGfPfo0F0D+pC9SuS+JPgnrhq19ooj25MAy7Qguurcfd+v4dm2mWI"
    "6Bp+aBZyJ72WdUitQ9qNedzAd4JPWwtqBVeciuzGFNn8EjdmiLx8V8MOebm+5KVmCJzSAD"
    "zFfGoMcSxk7b2a9l6T6ZKtzubZC7weG2GhDbuXQ5yVsTDXgtlG47dZ8Y7Cc7Fh2sN8UtId"
    "oFJ1W3xSeUn7SbX6k0q8ThMPISf0AO+gZQvVbpyDgEwoFyTYajkqCO/g8zkelI/u6wnIPb"
    "vbUtFZSavltmm5XYSpnA+IL6h+C9nCmH4d6jQ/vAZ/Ggo+4WiJV9CqD4eN/IaBfI+DPmxM"
    "kP5TjgJHPO7vx4m8nYgbCMpHIvI1PkGX8lTEica7vA7ZQkB98hAOuZrtZA/4HIZ8a26R3I"
    "5rTXQUHbFka1vJ1oOaUUdkHxvYUQtOAlN2KivTOZp1T4WmMCUac61rYtaprslTqeiZ2SyR"
    "lbG+luX9HokBbnm/R8/7Hc+UdXRflCUuHpOWzebNvJSNQNaaNuVaw3Vh3vJ04FSiCxA3kR"
    "HcEk7ujAR0NO1pmLjoTL+Kf8PpmE2kWzn4m6koIz6otAWA1uvQVP9HL2N7HemdVP+X0z+l"
    "zRXKZ9ny7grWNC2ZY+GjMkA4Gt5BdF++eFEn4+7Fi/KUOzi3nnPnC21r9fLmOBkR2+TbsB"
    "HOQRezP/4fhn3tcQ=="
)
