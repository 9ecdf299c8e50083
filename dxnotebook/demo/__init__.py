"""A simulated account behind a real endpoint on this machine: to try, show and test without AWS."""

from dxnotebook.demo.account import Account, Story
from dxnotebook.demo.catalogue import NOW
from dxnotebook.demo.endpoint import Endpoint, client
from dxnotebook.demo.faults import Fault

__all__ = ["NOW", "Account", "Endpoint", "Fault", "Story", "client"]
