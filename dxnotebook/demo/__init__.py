"""A simulated account behind a real HTTP endpoint on loopback: for trying, showing and testing without AWS."""

from dxnotebook.demo.account import Account, Story
from dxnotebook.demo.catalogue import NOW
from dxnotebook.demo.endpoint import Endpoint, Fault, client

__all__ = ["NOW", "Account", "Endpoint", "Fault", "Story", "client"]
