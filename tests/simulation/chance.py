"""The seeded source of everything that may or may not happen, under the weather of the moment."""

from random import Random

from simulation.tally import Tally
from simulation.weather import CALM, Weather


class Chance:
    """Draws faults, and counts those that happened by their name and the leg that they hit."""

    def __init__(self, random: Random, tally: Tally) -> None:
        self.random = random
        self.weather = CALM
        self._tally = tally

    @property
    def weather(self) -> Weather:
        """Return the weather of the moment."""
        return self._weather

    @weather.setter
    def weather(self, weather: Weather) -> None:
        self._weather = weather
        self._likely = weather.likely()

    def happens(self, fault: str, leg: str = "", times: int = 1) -> bool:
        """Draw whether a fault happens now, so many times likelier than usual."""
        if not self.draws(fault, times):
            return False
        self.count(fault, leg)
        return True

    def draws(self, fault: str, times: int = 1) -> bool:
        """Draw whether a fault is to happen; whoever can bring it about counts it."""
        chance = self._likely.get(fault)
        return chance is not None and self.random.random() < chance * times

    def count(self, fault: str, leg: str = "") -> None:
        """Count a fault that happened; for one that hits an order, on which leg."""
        self._tally.count(f"fault: {fault}")
        if leg:
            self._tally.count(f"fault and leg: {fault}, {leg}")

    def between(self, span: tuple[int, int]) -> int:
        """Draw a number of milliseconds."""
        low, high = span
        return low + int(self.random.random() * (high - low + 1))
