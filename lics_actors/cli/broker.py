"""`lics broker`: making a broker of the laboratory's own ready for LICS."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from config.settings import EMBEDDED_ACCOUNT, EMBEDDED_CONTROL, load_settings
from lics_actors.cli.output import Exit, console, fail, run

if TYPE_CHECKING:
    from config.settings import Settings

app = typer.Typer(no_args_is_help=True, help="Make a mosquitto of your own ready for LICS.")
ADMIN_PASSWORD = "LICS_BROKER_ADMIN_PASSWORD"  # noqa: S105 - the name of a variable


@app.callback()
def broker() -> None:
    """Make a mosquitto of your own ready for LICS."""


@app.command()
def setup(
    admin: Annotated[str, typer.Option(help="who may change accounts there (mosquitto_ctrl dynsec init)")] = "admin",
) -> None:
    """Make LICS's own accounts at a mosquitto with the dynamic-security plugin, and close it to all else. Again is no fault.

    The broker is the one that MQTT_BROKER_URL names. The password is read from LICS_BROKER_ADMIN_PASSWORD, or
    asked for.
    """
    settings = load_settings()
    if settings.mqtt_broker_url is None:
        fail("MQTT_BROKER_URL is not set", "set it to the broker's address; the embedded broker needs no setup", Exit.USAGE)
    word = os.environ.get(ADMIN_PASSWORD) or typer.prompt(f"password of {admin}", hide_input=True)

    async def work() -> None:
        from lics_actors.admission.control import BrokerAccounts  # noqa: PLC0415 - slow, and only when a command runs
        from lics_actors.admission.setup import set_up  # noqa: PLC0415
        from lics_actors.broker import broker_spec  # noqa: PLC0415

        spec = replace(broker_spec(settings), username=admin, password=word)
        await set_up(BrokerAccounts(spec), _passwords(settings), settings.mqtt_topic_prefix)
        _tell(settings)

    run(work)


def _passwords(settings: Settings) -> dict[str, tuple[str, str]]:
    """Return the accounts to make: as they are set, else with passwords that are kept in the data directory."""
    own, control = settings.mqtt_password, settings.mqtt_control_password
    return {
        EMBEDDED_ACCOUNT: (
            settings.mqtt_username or EMBEDDED_ACCOUNT,
            own.get_secret_value() if own else settings.broker_password(EMBEDDED_ACCOUNT),
        ),
        EMBEDDED_CONTROL: (
            settings.mqtt_control_username or EMBEDDED_CONTROL,
            control.get_secret_value() if control else settings.broker_password(EMBEDDED_CONTROL),
        ),
    }


def _tell(settings: Settings) -> None:
    folder = settings.data_dir / "secrets"
    console.print("The broker lets in LICS and those it gives credentials to, and nobody else it does not know.")
    missing = []
    if settings.mqtt_username is None or settings.mqtt_password is None:
        missing += [f"MQTT_USERNAME={EMBEDDED_ACCOUNT}", f"MQTT_PASSWORD=$(cat {folder / 'mqtt_password'})"]
    if settings.mqtt_control_username is None or settings.mqtt_control_password is None:
        missing.append(f"LICS_MQTT_CONTROL_USERNAME={EMBEDDED_CONTROL}")
        missing.append(f"LICS_MQTT_CONTROL_PASSWORD=$(cat {folder / 'mqtt_control_password'})")
    if missing:
        console.print("Now set, wherever LICS runs:\n  " + "\n  ".join(missing), highlight=False, soft_wrap=True)
