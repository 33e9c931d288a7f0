"""The audit is a chain (store/audit_chain.py), and is only ever added to: triggers refuse everything else, whoever asks.

Rows that were there before are chained in the order they came; from here on nobody changes them unseen.
"""

from typing import Any

from tortoise import BaseDBAsyncClient

from lics_actors.store.audit_chain import SAID, START, linked

RUN_IN_TRANSACTION = True
AT_ONCE = 1000
READ = f"""SELECT id, {", ".join(name for name in SAID if name not in {"before", "after", "laboratory"})},
    before::text AS before, after::text AS after, NULL AS laboratory FROM audit WHERE id > $1 ORDER BY id LIMIT {AT_ONCE}"""  # noqa: S608


async def chain(db: BaseDBAsyncClient) -> None:
    """Give the rows that are there their places."""
    _, unchained = await db.execute_query("SELECT 1 FROM audit WHERE n IS NULL LIMIT 1")
    last, n, digest = -1, 0, START
    if not unchained:
        return
    while True:
        _, rows = await db.execute_query(READ, [last])
        links: list[list[Any]] = []
        for row in rows:
            n, last = n + 1, row["id"]
            digest = linked(digest, n, [row[name] for name in SAID])
            links.append([n, digest, last])
        if not links:
            return
        await db.execute_many("UPDATE audit SET n = $1, digest = $2 WHERE id = $3", links)


async def upgrade(db: BaseDBAsyncClient) -> str:
    await db.execute_script("""
        ALTER TABLE "audit" ADD COLUMN IF NOT EXISTS "n" BIGINT;
        ALTER TABLE "audit" ADD COLUMN IF NOT EXISTS "digest" BYTEA;
        ALTER TABLE "audit" ADD COLUMN IF NOT EXISTS "laboratory_id" UUID;""")
    await chain(db)
    return """
        ALTER TABLE "audit" ALTER COLUMN "n" SET NOT NULL;
        ALTER TABLE "audit" ALTER COLUMN "digest" SET NOT NULL;
        ALTER TABLE "audit" DROP CONSTRAINT IF EXISTS "audit_n_key";
        ALTER TABLE "audit" ADD CONSTRAINT "audit_n_key" UNIQUE ("n");
        COMMENT ON TABLE "audit" IS 'What a person, or a program in a person''s name, did or tried; append-only.';
        CREATE OR REPLACE FUNCTION lics_audit_stays() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN RAISE EXCEPTION 'the audit is only ever added to' USING ERRCODE = 'insufficient_privilege'; END $$;
        DROP TRIGGER IF EXISTS audit_stays ON "audit";
        CREATE TRIGGER audit_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON "audit"
            FOR EACH STATEMENT EXECUTE FUNCTION lics_audit_stays();
        ALTER TABLE "audit" ENABLE ALWAYS TRIGGER audit_stays;"""


async def downgrade(db: BaseDBAsyncClient) -> str:
    return """
        DROP TRIGGER IF EXISTS audit_stays ON "audit";
        DROP FUNCTION IF EXISTS lics_audit_stays();
        ALTER TABLE "audit" DROP CONSTRAINT IF EXISTS "audit_n_key";
        ALTER TABLE "audit" DROP COLUMN IF EXISTS "n";
        ALTER TABLE "audit" DROP COLUMN IF EXISTS "digest";
        ALTER TABLE "audit" DROP COLUMN IF EXISTS "laboratory_id";"""


MODELS_STATE = (
    "eJztXWtz2ziW/SsofYmzpXgS57nO1GzZiXvi2bTdZTvb07MzJUIkJKFNEQwBWtH05r8vAL"
    "4pkCJkiaIYfOmOSBySPhePi/vCH4M5cZBLj89sm4QeuyGLwSn4Y+DBOeL/UNwdggH0/eye"
    "uMDg2JXNYdRONhpTFkCb8csT6FLELzmI2gH2GSaeaHxL5mhMnCVYzAiYwyWgeOoB7L0HHn"
    "pAAeBPRww5Q0AJYDPIAATis3gL/hMBGDqYAUwBdBdwSeU1Ku77KKDEe0KPxWc4xObfgb1p"
    "a28MPfw1RCNGpog3CPh7//df/DL2HPQNUfHzj8EEI9eR/x7YM+hNkTOCbCCaoW9+gCjlFN"
    "EEmcgCO99GMcGjGCXJX/ry9kCiOefyx3eB9O9H8k0FkWKJktdHCfbLl8uPP8mWgrLxyCZu"
    "OPey1v6SzYiXNg9D7BwLjLg3RR4KIKctJ2kvdN24TySXIlr4BRaEKOXDyS44aAJDV/SXwZ"
    "8noWeLbgLkm8R/Xv0l/rRcs9Ho6vpudHtxNxoNVrqX+ISS/ONLNueW04Q9Jij+43v03IwQ"
    "eXUgXvDh09nN0cs3TyUFhLJpIG9KugbfJRAyOMqkmbGM5hC7q0R/mMFATXQKKHHNP3U3LC"
    "cE7YDSwRx+G7nIm7IZ//ni3fMajv/n7EbSzFtJngmfNKLJ5Cq+dRLdE3xn/AaEN9KgN2m/"
    "HXaTCxm92RzXOr8vTxrQ+/Kkkl1xq0huTIf4qhWKz/H00mNqkou4EtU4Whd2QfWLXfE8FV"
    "/w7D9PTl6+fHvy/OWbd69fvX37+t3zd7yt/NzVW29rhHF++dfLq7uiHMSFIvt2gAQ/YkVY"
    "Yf8jv8PwHKn5LyJL/Dsx9Dj5xwF2/Bpu7y5/vri9O/v5F/H4OaVfXcnX2d2FuHMiry5LV4"
    "/elAZF+hDw6+XdJyB+gn9cX12UF4C03d0/BuKbYMjIyCOLEXTynCSXk0tKMY+XOvNYEdXD"
    "2ezk9esG0xlvVTmfyXulIZUpWbpDqoA0Q6rTQ8rBVLC8iZxL0C0IOla4jJy3L2cfUroggT"
    "OaQTpblfQd3wappbwC3GgCPSDJXvz9riDUZJY8+vns708Lgv18ffXXpHluVv3w+fq8NJmm"
    "JOqPshLUjLIujzKbOKhihNXoJ3lQH0ZXUTt586qBcvLmVaVuIm59X2UZffMxl9wm+skq3I"
    "yqLo8qYXLkagb2NhB2GWsk3TVJC6vr5D5nERQXxtC+X0C+6q3cISekqu3qrfnJvHwFenAq"
    "hSTYFN+Z2OtdGMwHKkO+vDGsteGnTRpZ8NmMyzOylnsIOXQISCD/JezoMDaNvwfEQ4D4yA"
    "MBWYiLgJIwsBGAngPueWc7BpeMgiB0EQUwkCZ3ykiA/iQ/Z0QZ78L02F+qjfptf8Q/vX96"
    "1u8c7EHXOhXuBIoA8liwBLwvU+QAzIALKdvEIxB9lACKb1rnFQilW0B+n/jTKj0C4NdPFz"
    "cXgI8D/pcJBQxc3oKrL58/D+T0lHt/9BfEUwxe+wHZ+yPgtnwSdYZGpVdCYWCMZ7fuGspb"
    "NDBW+yqyDtdUy8sQxgLVzAIlh7IGw0n7HvL74nkjf9DzGn/Q8xV/EBUOXMy0bKl5TA953r"
    "5faM6XAK5w6FhccpBeUNy2saWwGOvsFQpAY7fu3E6hYANIlTLt7X8BafaDnZZyEhpVFHCl"
    "kpu2740j/eTFq7ev3r188ypVb9MrdVrtqotcbK02GC05mBkqXR4qAWJ8b73ZuleEGjl3Wc"
    "7Qvue3XORs5pxXwI28D0beeoEvCmj/3Eu7CX4h8zlSaR7Vu7YcpA8kt71pozPkPmw0oxWR"
    "ZjLr8mSWyEpvHiui+jC6WpjCEtL4hkgVVd9sTKVgM6y6P6xGAYJUFX9evWitAPswuNpeum"
    "Kn5irv1SlCOcgj8oQOh/c1WUFdCQHw8X+jZVU+X3pzWBsK4OPRPZIL1fpggDPgB2QawPkT"
    "ChZwCbA3BOOlTJK7/XT27OT1G0AmADMKKLL5Ln3Vk7/REzSd60kCXeRBziVMNPFyR3SMcl"
    "mOFY7uskcdPZB77dfEqJrXmBy/veb4FftSU7aLqG2yfrBTZn4Bkv/X0KeT9r3wLu462DSa"
    "N7WDekswQ3UTqm0inrHC8t9ur68qWE4R5Q0Kthn4P+BiujPHz36mBcFFvQZbVlZL84d4QF"
    "mDNemTm4ji4LaJm4fMbz1a3oh5l57AVHXWFHMRaWw+XZaydMyHmwU6lbFG0och6UlA5jrm"
    "vVWkse81s+91xSIlyicNVNYoeWNYa4lKm6y1Q/0aFW6Kcj5kIghM7EoioQOm1ZpkbachcL"
    "AjGnExIec94J+APOcZ8VxFqsn2Hi0SSM44giv2fFcF2IKInBQq7FtpVSmL37VO+f8oX8Ys"
    "MEYTInJSZAUqh3j8+SJvZUYW4hp/MnKOwbWHwALzYRHyD/XEVS4GImteufgBOYARwJDr8g"
    "+wPEs+wHLwFFHxJmFZ811opwWv7Bnvp+AozoERIhjJS8f+8ukxuAvwdMr/YBCgSSjyXx5Q"
    "sARRwYQq05wwwEk58g+0Ce8F/6oz1iXTdcMkFPmBCcakoBxSCkrcK5rb0FRLvTGeJZ1fR3"
    "9KMGYj1GnFyed/qY19lWuupt5FHtQLs13b/lBoq8ug1QWqVRRAO0zCW8jdYjDgGoJOv84Q"
    "veC47U6dKF8avToH6QXlu06V0w9fMXErj+rSfDOCtebpDGE6dKMOPSdMK/UzQ5gOvUHiJ+"
    "J/NlUHF9RxnkcZ3vV5R0FAAh3KU4BhW5/tyKi1Sne1lzxDPMpLfji878RJDicMKXp5Ne0p"
    "wLC+OeucBo5iJFhqxoytAE2gbSlqTM94u8X65D+M8TZfZlc4DFSMezBYqhnPMCXax0sWBT"
    "0dmL5dx2I8HaRzB586zi+vzm5+Uy+V54rp4/y3u4uz7vjuPpA5v+dUhJPn7g7rvHh21E42"
    "ahBPHjeXXqrFDEXOL8r4T3oq/VOWZ7FZGhMeVWcblKT3mOdoxpY76AHbKJ6hoW0jn2nWUY"
    "u/dBQ9SXLXKMD8US9LwDWvM4Hmew00L3SspmQXQMZT1ijMvHqX16sw89adKMFUKxI6aW/i"
    "oB+x2TAOw730deyguU+YsuDCOSEugl7V4pgHlrVkjuwX+efX158L5J9fltn98vP5xc3RCy"
    "kJ3giziv0IVyNDyFTJFrWE52GG7uZ0Owg6Lva0A03yOBNs0ulgk9J+QkfKJagRdKcFLTe7"
    "qyKuSQVMAL1QDnbtNJVsbVIGKIczI6jTI0hheW7D7LzvgbPlgp7IJ7YiJbnOhp9CNiK0Y1"
    "6Q/RjyTZBSu3vDIPQ0jXgZwnj8SkGjAYauJpt5jOGza86lW6H01HuY0ibDBm6mUaqrrnc2"
    "ibwp2Vx4gWDiMXpCgYsnaE1WmCZWmRWVfHLUN736tKiCZV+qgBrenki1XOtgMnlSncyTKv"
    "aTpvNeEWV8QeuDR4wKr63CGyfl1jumsc7s1DpjsiV7a5XhjxLcrAi32uecIUyE6+ZOZxM9"
    "36Y9QZ6GEIwo+qqnkxdxxn62qf3MWC3bYr0jloqP0bZZYaD4mG6oq+0S2aa7SfRr1BpACn"
    "xEfBeBAE35GoQCebpwVPwljVcVzcQP/kwSyJOHeXOfBEw2VgXFbvPx8jjkBxQI44MFZHlb"
    "ChaiWE787KgojAOORLTtxR2cPn0vA2/l857Q+GEUuAg+yOhc6BKvsohMnW1EimWNOUQemR"
    "zvPMQ1caB6SKutIfHRydCZYw/8+S/gScBVPM7Tk5U43CRKsFkAbuETTPhtZ8NvTUni3Z7u"
    "IQnS4Ddp30N+t7/JdQL8oEr1q6Y3Q/SQ4O0XenaJDXVrxOQxfdj4tHEEEGKMf4JeRe0cpv"
    "1Y8tzSNw6xy7+EHovX7mP1202lbejDMXYxw3qFzss4I5qti4ZiPhrZSCGWn1wCqw5QyoFK"
    "MpkI1K6k8fL58fP2ef94/eX88wX45ebiw+XtZSyD1Igpb4pLWST0zcXZ53LkudgS6Ez8Ka"
    "C9pXWAPAF3dtW1d63AuNi711pb4/YtMkwmkySw/RAZniHoMq0DQTJEmyzfHyrBFE4Q0zsl"
    "MkW0SLB46aFSbEyx+zCAmwDSdh0+HcknOCApHJrjOqJgvFHqVRlrJN1lScf+klUhVy5YOU"
    "R7EWgvdrtgbS38zBz79UOMmtB3NhRzEWnE3GkxJ2NyrLVrKqJ66L3YiWU9GRh6XBdRhutq"
    "rjsVu3LxIAqMVAawRLeH66NYRihtuTaW5ZbMEZtx5gETMSEzmRGDHCAPU4oeJw9TYiQXcX"
    "Ik+AaWi216LK9YQ2BR9FUchBQ9CoH45PknFPD5B4vXPV0NdWn97coEn9WcnWHOAhFH4snh"
    "o5H6E/vBm6YA5SU3SsGaISddC5rea1LQ4S+5pujcYwWtk7NqAl12epCM6Mur/FY7opP2Ju"
    "L/ERH/asP7jqzunevUW7ZiaIfyPyaGv6Nk/jjh5D+5CLGPIVsOFAp5drNWHZ+IZiMnadfs"
    "eFTiITDjAztSgoXqBRyC6CmgKHhARb04QDYJnGNgCYAlDh/lmrJDZJA4v+Y6KLDAHC65Zs"
    "wvC+VYFXDe3mvXB4xX6rYJi40jJcNt+mj3m96+kyjJau1SSFWH6qR9H7yGu45IjUaHHrsJ"
    "wvC7nt+YDaXzpm6tLuLaW7J3FVy3n5gDij1b2wKRgozdv3NGiC4pY9L+WVGDqNiggVK2BR"
    "NpfBA7DX2uIWFh2eOTLULNrZx1D9BMrdM7jT1HgTmTvcMTa7WK1jVLr5lmt+Ze9fiUtSra"
    "mtMv4va9MES2HbR3jz2tMzyT9obsDcg2p17shXYTCNwu3w5iECv6eI2vI0UYb4eet6NL+5"
    "NPwgxWtTf5FNvI1u1LEltakyok0ly7wGwGIJDo5Jg8svCGAM4J33FQruUH0D0G1gTxbbZj"
    "nYoSHvdc+aCiNRGbC/oeWJn9g7eYkQW/yZAn2s4gBb8TzDcsqlIle/mGR5iR91sv4ocyI2"
    "NPnOOosgfVlEHJYUyIwoHbNnccnt6ybZNv4YRNRWfyyEF6obnu2ngvCk2t8lvZr5PmfXKw"
    "by9aAStPXaspyIHV563tqeSDeF9vSj5Eeo9i1q47Ay8DtXgCXnrlYI/AmxLV8Xe1TCcQw7"
    "POUYPihZvlQhaQJhOyy9boRFZ6CShFVB+MSC3k+lQmnVbzXJ112gcFc/uVKCIbwgZTVgFo"
    "HGidnrJmCAZsjCDbQM5lrBF150TdEZPv36IMs+vJhCKl2bfYYFhn+o2z1UYka7vW/PuJLP"
    "itAMAk102E4cYRJcIkN4YUnUpLLPJ4h0AUhL4I07WShDgLwEARrLLF5z7CTBu/W8d0mIOY"
    "Msq6ZZQT4ekZFvOoPhlh2o6anGHf30gtKSLNYmUWK/VidYMm/A+Z3ZF75FVEUJab1C5YQd"
    "SYT+28dVN3ZQwCEgTGS7mk3H46e3by+k3kNXzPV52QIkcmo/Bl5x75TBxv4AovYnzMAY3i"
    "GodizRkj6UX0AJzyHqNyT7byTs1Yzfhpo2axmgWqRzFWCkMzYHMGqV4dybi98Xxqez5zEt"
    "ZQYIoo4/0srZKY0nCjRbIANGtk59bIQr0buln9KGrMyZ2Vb2d0oN+RzWX+C1y6BBbXxoom"
    "a3SgqPHIz7VuoAbFzaNckHHAl3WplHChS+gxsLAjc2ohcPAUURlRJQ9sWkBxGpON8ANyho"
    "AS3iJAPuJ3ROsxJcFYHaTVxis1lSBlzZ2mGlGR+C0fmG3OaNq2ccFUq9l+tRqT/9OnJbIg"
    "WuJje1W21dH6KaAXLsDeZ0f86ITn1KWypdmDwbLC0pyBykE6yzhsrT+0n8dRZSntnPXzy6"
    "uzm9/UvJ8rotDOf7u7OFsJCfy3KjKqroJRjDDG/c2N+6EvtVll+F8d9QWcEYCWADqz5WTI"
    "Eyx9IgH+tyRLsecstRnWbzrj1qNZrvn6EgZcLC4CD9ANkcy5gaKsk3DejtGEBAhYAVyMJg"
    "GZS+8t4O/lL3Kig4A97AKhgspjhz0C5oiL2RbFWPlvjgbQdePHKWoftPnm9dVdoyes1HE1"
    "VQ46WeXAbBy3vnGMB8AKn9V+oAzRC3W3hVKnyYymu0HP48wmvXOb9K4pFTeh/LurNQrZoK"
    "E6ESRtGwWeSed4vKaLVVs4zYciSsyBSwqOroiHTuUCLTJ/nx4DK5pErFO+/PuQMRR4UdKw"
    "9R+WXNyt/7LeAyueukXfsACa+2zJAd5SHaS2h29Q6hfZ/JiDGg3jMDQMsxy2UPk7Nyw0iC"
    "7Besj29vMbhAYhpr9VnmuOls6DNjxa+nA85ts4WTogrhv6GxBdxBmuG3BtzhTrrT5tzrlq"
    "L8+wK3sXPB2odiz8cv0+JW6wdnMSnZQlE1b4bIvoUGr2wpbICUaBS+x7YXlkC4RkSsuc7w"
    "viJEoL2CTkUogCX3xEfBcBewY9/peAI/GIizs4VRxi1dI7H5FNY8Jc2ghzMaWldpkdHW0H"
    "tCqa5CDdqGkiXtubmibZ5KYjkyKqG2LpVakZc3T1wBxdbfYf5uhqI+ZVMZujq83R1X3hui"
    "tbemnU/AyZ2heZ3R3WbvAj06ibNFy70b+Jiwcn59IBm79Y+vP4Nhx6YEbCIMp3wVRsy12+"
    "oQ59AF0+lp0lf2xA5sByycKSxStmeDqzcvvyUv1hkQbDiKtIrtnjdyi9kZS/L8qFKcTBiM"
    "8wPsnD8ElmImw6aWaIHk6Y2/eSmbCyrYeVyflFU3NOMEZn7rTO7EbFQHQkG0OMYDstWKFr"
    "aI/ZGGNE22nRVhoB67S4PtoBf6BcE7mDumW1G7Ho9rDBToyyxluxrGKgfEhho3MqUzSSVI"
    "85f2aAoYspcqz3kdPTJvNcMgibiWJHfIcTnyruOuCIMn7rT2JreOwvFf7XPbz/Eb7Y/Wv3"
    "HfIUbku3rzkoMxGo7kpXAJqiMl1e7fLDWlfMZayRdNck3ZH19TaqSFNRPTF3t3Z1zdXva1"
    "IriOKp9wx7Q75UYXsGXEgZBaHHsCusgVjU4HVE6cIAoG8+DlQJmJs+RLOeD7RlJFNsH8n5"
    "PgVoTUGfpPBd/AxJmLqQjxj1uZfKD9d8icTUvMIEUe01iKrYj5qyXUQZ65wJYvhRVsfOFU"
    "80At6dgOP1eQMZF5FGzN0Wc6LW6Ao5hzP7mI5LeFRVeKzaEFRE9e9UrR3kQ6I5YQpjW11x"
    "twTRB37rxswuarvxrbOnmLaq6U4Bhu1mbHfEGnKHXCQy4ZcDhTEkuzmss4WwQrO11pBrLy"
    "4jJc+M5z/ialBHSRljejx3AEXRBvi1wlGw0RMa15QaZhVWkU9s6Sal6GvzqKuu1XTdq5/g"
    "8Fd7U9bqsYI2Za06VcdDTp2rFNcUPEgRG5Y66BrJO651wOBUK5cuaf+oLLrD0aF2ki6XLt"
    "UNk+XS9n2qyLq1bDmh76xwWVvlNgL0icwfJ+ToDPEVdDZQ7ADiO7XqP8zarNP9q0Ww5aII"
    "P0qGwyMHfLVqa84wbyO1TgwqDYbj5j1kdyd6rrAGKM1Y1ZpYDtJ+SYMD18b2uph9/38onI"
    "aj"
)
