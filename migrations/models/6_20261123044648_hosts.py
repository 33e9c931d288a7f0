"""Several hosts over one database, and who has which duty (store/hosts.py)."""

from tortoise import BaseDBAsyncClient

RUN_IN_TRANSACTION = True


async def upgrade(db: BaseDBAsyncClient) -> str:
    return """
        CREATE TABLE IF NOT EXISTS "fleet_duty" (
    "duty" VARCHAR(64) NOT NULL PRIMARY KEY,
    "host" VARCHAR(64),
    "holder" VARCHAR(64),
    "generation" BIGINT NOT NULL,
    "since" TIMESTAMPTZ NOT NULL
);
COMMENT ON TABLE "fleet_duty" IS 'What one host at a time does: serve a device, or record. `host` is to do it, `holder` may be doing it.';
        CREATE TABLE IF NOT EXISTS "fleet_host" (
    "name" VARCHAR(64) NOT NULL PRIMARY KEY,
    "instance" UUID NOT NULL,
    "generation" BIGINT NOT NULL,
    "address" VARCHAR(64) NOT NULL,
    "port" INT NOT NULL,
    "sites" JSONB NOT NULL,
    "fenced" BOOL NOT NULL,
    "gone" BOOL NOT NULL,
    "drained_at" TIMESTAMPTZ,
    "drained_by" VARCHAR(255),
    "version" VARCHAR(32) NOT NULL,
    "joined_at" TIMESTAMPTZ NOT NULL,
    "heartbeat_at" TIMESTAMPTZ NOT NULL
);
COMMENT ON TABLE "fleet_host" IS 'A host with a fleet of its own, among several. `fenced`: it knows of others; `generation`: how often it has joined.';"""


async def downgrade(db: BaseDBAsyncClient) -> str:
    return """
        DROP TABLE IF EXISTS "fleet_host";
        DROP TABLE IF EXISTS "fleet_duty";"""


MODELS_STATE = (
    "eJztXVtz2zYW/isYvcTZUdXUua7T6Y6dqI07jt2xne19SIiEJNQUwRCgFbWb/74ASIqkBF"
    "KCLFEUg5c2Js8hqe/gcq44/3QmxEUe7Z16MJx0TsA/HR9OEP9H8UYXdGAQZJfFBQYHnqSE"
    "c5IBZSF0GL84hB5F/JKLqBPigGHiC9IbMkFsjP0RYGPIgI+QS7uAhPJfyO0CCAIUUuK/Bs"
    "RHgATIByGZiouAkih0EIC+C+6w7/bAOaMgjDxEAQwRwD6gjIToa/k5FmWQIdoLZj3xZS5x"
    "+Kfx9+7rI/7w//DtvzizDz37BEzHhCKAfBbOQAgxRS7ADHiQMvm5kY8/RshiZMQ/FIX8o3"
    "//k1/mL0SfEBV//tMZYuS58t+d+KMEo/imjiBFn4IQUcphpyl3KtgIu5+s+PvET5OinAXy"
    "VkdychmKP8DP7/rXfeB4iP8y1+JInd+Ayw8XF53PXVB4f/wLOIXgxys/IHt/zFj6BZ3Pgi"
    "24s+S7CqMTSy553Up5z/Do3GffS1oh84HlEC+a+Bl9MGNj4s8ZsC+/eIR8FHJBiTewMBLD"
    "1o88Lxne6UiOZZKRxMLI8bhoCCNPDH7BHX9Adq1jWZdXt9ZN/9ayOksTI+XIDdPkksMB5H"
    "DwT6USgJH4hK/+fXz89OnL4ydPX7x6/uzly+evnrzitPJ7l2+9/Bx/TIZW/CiJ2fkP55e3"
    "4oMIn7nxfBYXPkseyKCVyTlDPxtwRQm8GcNQjX/GsSAD/uMWZZAiXiWE9EImhWzFqUMME/"
    "jJ8pA/YmP+5/Hz5xUQ//f0+s270+sjTvW4CPRlcus4vvdZzqsUYzmVNRBO6VuI7zdPnqyB"
    "L6cqxVfeK+JL0T0KMZtpjeIcTwtxfnq8BsxPj0tRFreKIE/4FgBHipXili/yaoxzLK2AuA"
    "LS2/4vcumdUPrRy0N59P70F4nyZJbcubi6/CElz0H/5uLqbAHywmZcBP0tR43hCVIDX2Bc"
    "gN5NOHvpP1omiPP3/Zvb0/c/FaTx9vS2L+4cFySRXj16sTAP5g8BP5/fvgPiT/Db1WVfwk"
    "koG4XyjRnd7W9Ck+rAiBHLJ1MLunlM0svppYKQM6VMV8pFzi2IOdF+jJR3IGUS+QoBlyq5"
    "c/rVeu625us3u9Vzj7959vLZq6cvns3V2/mVKq021WAzKIVptcFsybGZqdLkqRIixm3rzf"
    "a9IquRc5PlDJ07fstD7mgjWSvYjbwPRt4DLWNNwbqRQdEw6dbgenDIZIJUmke51ZZjaQPI"
    "dRttdIy8+41WtCKnWcyavJilstJbx4pcbZhdNSxhKWjcIMLepnNqzmymVfOnlRUiSImvs2"
    "ktMbZhctW9dSVBzWXcP3w4f6vGPceygHgUYbcnGFuFe+w3j6dIfvDLH/pZBjmHd7lAm7gw"
    "4OrrFIautXSHHJMy2uVbk+PJ4hXow5GER/wO8dVppD9yMeuoUgDkjW5lCsCcZGUKwM8i5p"
    "5G2GXYnf8RklEIJyJ8nt55RIH4jC5wsSuIOPjIfQ34JyDf/Yr4niKwv71Hi3D9KedwGBhD"
    "CtiUiAwACsgQsDEClLMDm9+1T/j/6B1ybTBAQyIyABjAFLjE588XWQJjMhXX+JOR2wNXPg"
    "JTzId8xD/UF1e5GMiAuDPgYb7lAEYAQ55XlgXwe0dgKwZBxLjKjTp/VuUFpFvTmiF5IUMr"
    "5TEB+UMKyCejYt0FOCF/wOJ7QMGdFatvfi9LB7+OspjymIhZo5XEgP9SBwcqRaVcQSwwmW"
    "j0BtohX2mwSimvctulHK0AvIZMFgZDriHojOuMoxUY1z2oU+VLY1TnWFoB+a4Th/SNeWPF"
    "P2hIh3iEtdbpjMMM6LUG9IQwrUS4jMMM6A3S4BD/2ZRZKru0CvM8l8FdH3cUhiTUgXzOYN"
    "DWRzt2Oi3D/ePN1aUa7oxj0WDFDgP/Ax6m6ySLHQ7uAopq3Bch7hatT/GAJbNmyJBilJfD"
    "PmcwqOuh3hDn+Bsy4ffca+ldWPKQ5+52q9zkTky3nqP8FCTk0o88HaPYu0wZ/5OeSD+07d"
    "tsLJzSmFGQFJstecUf8BzNOjQX3WMHJZsndBwUMM2ysORLrfhJFX7ohQq0B70sZd6W27vc"
    "76pUKx7kdl3t++58O4x86VMB8k3iP8++69S/JKz0w5a7twsDa12wC0zG1b2wg8n/a6hpKX"
    "0rjL3avaDhiGppCwn9g5SFAwJ9Jzqa8fjvZaxjF00CwpT5o2eEeAj6ZZtjnnEB+wHnbBf4"
    "Z1dXFwXwz84X0f3w/qx/ffSNlAQnwqwQDS4EWSKhs2kCnmczcK8Pt4ug62FfO1Kc5zPR4k"
    "ZHixfsCb0SkwKrEXSjBS2N3WURV2RjpwytUA52HfWQaG1S1ZDjMzOo0TNIETQsTfpThQt3"
    "WJy8+7S/rdUno4A4Y4X+VpFBOWfZCNCGuZLrTKM0WQZ7C8pGvqYTL+MwlQILWV8hhp4mmn"
    "keg2fTgks3QumpjjDNSbprhJmsua66OtgkChMkuYgCwTRi9IgCDw/RirILTV5lWUP6yfHY"
    "9KvrGgqefakCakR7YtVyZYDJFDo0stChOE7WXfeKXCYWtBgLMir8FlR4E6Tc+sA03pmdem"
    "dMuVNrvTL8UQKbJeGWx5wzDpOitnnQ2aS/1ulPkIc7hRZFH/V08iKf8Z9t6j8zXsu6UG+I"
    "p+JtbDYrHBRv5wZ1uV8iM7rXyX6NqQGkIEAk8BAI0YjvQSiUzRLi0xXm+aqCTPzBn0lC2U"
    "iBkwckZJJYlRS7zcfL7g73KBTOBxvIY1gpmIrTKJJnO2Poc0DBkci27d/C0ePXMvFWPu8R"
    "TR5GgYfgvczOhR7x0SY5uFIsK9whsgNEYnmIaxb2rYiWe0OSThDQnWAffPsdeBRyFY/j9G"
    "gpDzfNElwvAbfwCSb9trHpt+pc0XIrrFW5ojUcViYB0sA3pW8hvts3ct0Q36tqdcrhzTha"
    "CPCLZ2sA/OJZKcDi1oISThyoe8hDnqcNhk8dJxoixvgnaOWR53nqzyXPbX2DCHv8S2hPvH"
    "Yfu99OjH0HBnCAPcywKve2XCyLfEY0WxcNxXw2Mkshlu89AsvOg8wxLchkKLh2JY2nT3pP"
    "6sf97dWHs4s++Om6/+b85jyRwdyJKW+KS1km9HX/9GIx81yYBDoL/5yhvq21g3zB7u5qaO"
    "9agfGwf6e1tyb0NSJMhsM0sf0QER4j6DGFH6sc44yjTpTvDhVgCodIs9PanKNGgMVLDxVi"
    "44rdhwPcJJDWG/BpSD3BAUnh0ALXMQSDjUqvFnmNpJss6SResizk0g0rx2E63C1uRQ7fWT"
    "arWCxymsSeRs+aKHA3FHOR04i50WJO56Req6AiVwujFzvxrKcTQw/rIpfBuhzrRuWu9O/F"
    "ASOlCSzx7e7qLBYLzSlX5rLckAliY448YCInZCwrYpALZLeS+HGyWwkjuYyTI4E3sD3s0J"
    "68YneBTdFH0WkkfhQCSSOdRxTw9QeL1z1eTnWp/e3KAp/lmp1uzgORZOLJ6aNR+pPEwdct"
    "AcpLzpoza6acNC1peq9FQYe/5ZpD5x4qaJ2aVZPostNOEGIsL+NbHohO6U3G/wMy/tWO9x"
    "153Rs3qLfsxdBO5X9IDn9Dwfxy0sm/9xBibyM26ygU8uxmpTo+FGSWm9Kt13+Q+AiM+cSO"
    "lWChegGXIHoCKArvUVEvDpFDQrcHbMFgi+5+XFN2iUwS59c8F4U2mMAZ14z5ZaEcqxLO63"
    "vt6oTxUt02RXHtTMlomzHa/Za37yRLsly7FFLVgTqlb0PUcNcZqfHs0EM35TD4rsY3QUMZ"
    "vKnaq4t89W3Zu0qu20/OAcW+o+2BmDMZv3/jnBBNUsak/7PkDKIiwRpK2RZcpNiPGy5HAd"
    "eQsPDs8cUWofW9nFUP0Cyt02unnIPANFVu8MJarqI1zdNrltmthVd9vmQti7ai+0VC3wpH"
    "ZN1Je3fY12rCl9IbsDcA23S92AvsJhG4XrxdxCBWjPGKWMecw0Q7DrIFnzQ/3gk3WJlt8i"
    "7xka2yS1Jf2jqnkEh37RSzMYBAcqdt8sjU7wI4IdzioFzLD6HXA/YQcTPbtU/EER53XPmg"
    "gpoI44K+Bnbm/+AUYzLlNxnyBe0YUvAXwdxgUR1VspdveIAbeb/nRXxRbmTsiz6OKn9QxT"
    "EoOR6TonDgvs0dp6fX7NvkJpzwqegsHjmWVmiuu3bei4OmlvEtHdcpeZsC7NvLVsDKrmsV"
    "B3Jgdb+1PR35IN7XmiMfYr1HsWpX9cDLmGrsgDe/crAt8EZE1f6uEumUxeCs02pQvHCzWs"
    "gCp6mEbLI3OpWVXgFKkasNTqQaan1Ki07LcS6vOm2Dgrn9kyhiH8IGS1aB0QTQGr1kjREM"
    "2QBBtoGcF3mNqBsn6oa4fH+MK8yuhkOKlG7fIkG3yvWbVKtZJKNd6f59R6b8VghgWusm0n"
    "CTjBLhkhtAik6kJxb5fEAgCqJApOnaaUGcDWCoSFbZ4nMf4KZN3q3jOsyxmGOUdY9RToWn"
    "51jMc7XJCVN31uQYB8FGakmR02xWZrNSb1bX6C/kcKH/BGcegcWltoSkcsMKE2IryFGvEb"
    "FMyOM8yEFI7pDcV7jQJWsP2NiV9SQQuHiEqIwmymYFUyg6ETgI3yO3CyjhFCEKuKImqQeU"
    "hAN1gLKOV2omayrrzdfL3FwEfsvNIk1/gm1vrKZSe/uV2ib3tU1bZEG0JMDOsmzLM9XmDK"
    "1wf7U+M/BLBzynLi1aWT4MZyVWVsa0GKCaJSHb9sB+lkRU57Bz1M/OL0+vf1XjfqaIwJ79"
    "ets/XQqH/62KClZV7yccxrDd3LCNAqnNKkPfVdAX+IwAtATQGJOTIV+g9I6E+G8JlsLmXK"
    "DpVhudCbU1zpGvLt/jYvEQuIdehGS+KRRHGgjH5QANSYiAHcKpNQzJRHouAX8vf5EbN8Hz"
    "sQeECipb7vkETBAXsyMOIuN/c24APS95nKLur843rz7ZLH7C0hlmpsKvkRV+xnDcuuGYTI"
    "AlPMvj6xlHK9TdGo75Slc0XQM9z2eM9MYZ6U1TKq4j+bvLNQpJsKY6Eaa0awVdPVHSkuzp"
    "Yte+QwHrigipC2cUHF0SH53IDVpUvTzuATteROwTvv0HkDEU+nHBjP0vW27u9n/s18BOlm"
    "4xNmyAJgGbcQZ/pg7Q7uEblPpFtj7mWI2GcRgahtkOazj1MjctNIBeYGsh2tvP7RMahFj+"
    "lnGuaKuYZ9qwrWLDElUrYN1GV8WQeF4UbAB0kc9gvQbWpp9Ga/Vp0+Ohvhz7ptgueNRRWS"
    "z8crWdkhCsNE7iLhEyWZOvtoh2pWYvfIkcYBR6xLkTnkc2RUimc064XZAUENjAIRGXQpz4"
    "EiASeAg4Y+jzXwKOxCP6t3CkaOBQ0zsfkElq0lzqSHMxxyrssjIoNge0qnlzLM2o521VC/"
    "dscdORSZGrGWJpVZm1advYMW0bjf1h2jYaMS+L2bRtNG0b24J1U0x66dS8gEwdi8zudisN"
    "/Ng16qWEKw396+TgvLQnC3D4i2U8j5vh0AdjEoVxvQumwiz3uEEdBQB6fC67M/7YkEyA7Z"
    "GpLQs3x3g0tnN2+cLZe6IMhhFPUVyzx+9QRiMpf19cC1PIgxGfYWKShxGTzES47qKZcbRw"
    "wdx+lMyklW09rUyuL5qac8pjdOZG68xe3ExER7IJixFsowUrdA3tOZvwGNE2WrSlTsAqLa"
    "6NfsAvqNZEWlA3rNIQi29317DEKFvbFMtOy5EPKRg6J7JEIy31mPBnhhh6mCLXfh0HPR0y"
    "yRWDsDGfBaLbX9JR03PBEWX81tfCNOwFM0X8dQ/vf0Asdv/afYMihdvS7SuaRKUC1d3pCo"
    "zmfM4m73b5aa0r5kVeI+mmSboh++st8pDI/Vb2ws5uVu6trEC2cmO98pPCSdkhhP+R1D8e"
    "pQf30N7EBRTF4ezniq1xoyesXUXZzc4UQQFxpGEg+r2v7Wds2ikme90ZD32eVu3CxuNmCj"
    "kPsHJFLp3LEFek+M85NkzubxrIO87uZ3CklT2W0psWcZsniM236jXTw+b0bTqDZHstZri+"
    "s4Rl5bkuMUObwPxynGyn3FZ0xh2FBZDcqVT/YUazSvcvF8GWywC+lJj+Ayd8uWprOlbUkU"
    "wmJpUGwgl5C9HdiZ4rvAHIV6S+lmtiOZb6k/gPXBvb62b2+f/r/S4m"
)
