"""The order in which a fleet's tasks are started."""

from hypothesis import given
from hypothesis import strategies as st

from sfr.fleet.engine import OrgTask
from sfr.fleet.plan import in_order
from sfr.fleet.task_queue import TaskQueue
from sfr.fleet.values import Org, PlannedOrg


def task(expected_s: float | None, name: str = "acme", *, is_last: bool = False) -> OrgTask:
    """A task of an org with this expected duration."""
    return OrgTask(PlannedOrg(Org(name, f"{name}.yaml"), 1, 60.0, expected_s), 1, is_resume=False, is_last=is_last)


def taken(queue: TaskQueue) -> list[OrgTask]:
    """All tasks, in the order of the queue."""
    found = []
    while (one := queue.take()) is not None:
        found.append(one)
    return found


@given(st.lists(st.none() | st.floats(0, 1e6)))
def test_queue_gives_tasks_in_the_order_of_the_plan_when_added_in_any(durations_s: list[float | None]) -> None:
    """Unknown ones first, then the longest; equal ones as they were added."""
    tasks = [task(each, str(number)) for number, each in enumerate(durations_s)]
    queue = TaskQueue()
    for each in tasks:
        queue.add(each)

    assert [each.planned for each in taken(queue)] == in_order([each.planned for each in tasks])


def test_lost_org_takes_its_place_and_failed_one_goes_last() -> None:
    """The longest org, lost early, must not wait for all others."""
    short, long = task(10.0, "short"), task(900.0, "long")
    failed = task(None, "failed", is_last=True)
    queue = TaskQueue()
    for each in (failed, short, long):
        queue.add(each)

    assert taken(queue) == [long, short, failed]


def test_cleared_queue_is_empty() -> None:
    """The number of tasks that were in it is returned."""
    queue = TaskQueue()
    queue.add(task(1.0))
    queue.add(task(2.0))

    assert (queue.clear(), len(queue), queue.take()) == (2, 0, None)
