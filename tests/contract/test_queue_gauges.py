"""How full the queues are, and how old what lies there, as metrics."""

from contextlib import suppress

from azure.core.exceptions import ResourceExistsError
from azure.storage.queue.aio import QueueServiceClient

from shared.messages.queues import QueueGauges
from tests.contract.metered import Meter


async def test_queues_tell_how_much_they_hold_and_for_how_long(queues: QueueServiceClient) -> None:
    for name in ("invitations", "mails", "mails-poison", "somebody-elses"):
        with suppress(ResourceExistsError):
            await queues.create_queue(name)
        await queues.get_queue_client(name).clear_messages()
    await queues.get_queue_client("mails-poison").send_message("stuck")
    await queues.get_queue_client("somebody-elses").send_message("not ours")

    meter = Meter()
    lengths = await QueueGauges(queues)()
    found = meter.told()

    assert found["guestlist.queue.messages", "mails-poison"] == 1
    assert 0 <= found["guestlist.queue.oldest_message_age", "mails-poison"] < 60
    assert found["guestlist.queue.messages", "invitations"] == 0
    assert found["guestlist.queue.oldest_message_age", "invitations"] == 0
    assert not [key for key in found if "somebody-elses" in key]
    assert (lengths["mails-poison"], lengths["mails"]) == (1, 0)
    assert "somebody-elses" not in lengths
