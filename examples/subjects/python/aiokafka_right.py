"""A consumer with aiokafka that commits only what is finished."""

import asyncio
import signal
import sys
import time

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRebalanceListener
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from aiokafka.errors import KafkaError

import contract
import work

# There is no cooperative assignor: where one is told, this takes its default.
ASSIGNORS = {"range": RangePartitionAssignor}


class Right(ConsumerRebalanceListener):
    def __init__(self):
        self.finished = {}  # the next offset of each partition that has a finished record
        self.failures = {}  # the number of failures of the record at which a partition stands
        self.resume_at = {}  # the time at which a partition goes on that waits after a failure
        # aiokafka rebalances in the background, while a record is in work: with this, it waits.
        self.busy = asyncio.Lock()
        self.stopping = asyncio.Event()

    async def run(self):
        # The stop only sets a flag: the record in work is finished first.
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, self.stopping.set)
        self.consumer = AIOKafkaConsumer(**settings())
        self.consumer.subscribe(contract.TOPICS, listener=self)
        await self.consumer.start()
        next_commit = 0
        while not self.stopping.is_set():
            for partition in [p for p, at in self.resume_at.items() if at <= time.monotonic()]:
                del self.resume_at[partition]
                self.consumer.resume(partition)
            async with self.busy:
                # It must not wait for records: if a rebalance begins meanwhile, it waits for the
                # end of that, and the revocation waits for `busy`.
                batch = await self.consumer.getmany(timeout_ms=0, max_records=1)
                for partition, records in batch.items():
                    for record in records:
                        if await self.finish(partition, record):
                            self.finished[partition] = record.offset + 1
                if time.monotonic() >= next_commit:
                    await self.commit()
                    next_commit = time.monotonic() + contract.COMMIT_INTERVAL_MS / 1000
            # A rebalance that waits has its turn.
            await asyncio.sleep(0 if batch else 0.05)
        async with self.busy:
            await self.commit()
        await self.consumer.stop()

    async def finish(self, partition, record):
        """Does the work of a record, or sets it aside. Returns False if it is to be tried again."""
        try:
            # In a thread: work that blocks would hold heartbeats up.
            await asyncio.to_thread(work.do, *partition, record.offset)
        except work.Failed as error:
            count = self.failures[partition] = self.failures.get(partition, 0) + 1
            if count < contract.ATTEMPTS and not error.for_good:
                # The partition goes back to the record and waits; the others and rebalances go on
                # meanwhile. To sleep here would hold all of them up.
                self.consumer.seek(partition, record.offset)
                self.consumer.pause(partition)
                self.resume_at[partition] = time.monotonic() + min(0.1 * 2**count, 2)
                return False
            await set_aside(record)
        self.failures.pop(partition, None)
        return True

    async def commit(self):
        """Commits all of it each time, so the next commit makes good what a failed one left. Only
        while `busy` is held: aiokafka sends a commit again and again, also as a member of the next
        generation, and a revocation must find none on its way."""
        try:
            if self.finished:
                await self.consumer.commit(dict(self.finished))
        except KafkaError as error:
            print("cannot commit:", error, file=sys.stderr)

    async def on_partitions_revoked(self, _):
        """Commits before the next owner begins. All partitions are given up each time."""
        async with self.busy:
            await self.commit()
            for state in (self.finished, self.failures, self.resume_at):
                state.clear()

    async def on_partitions_assigned(self, _):
        pass


async def set_aside(record):
    """Copies a record to the dead-letter topic, and waits until all replicas have it."""
    if contract.DEAD_LETTERS is None:
        return  # It is skipped: your program may decide otherwise.
    origin = {"topic": record.topic, "partition": record.partition, "offset": record.offset}
    headers = [(f"plimsoll-{name}", str(value).encode()) for name, value in origin.items()]
    async with AIOKafkaProducer(bootstrap_servers=contract.BROKERS, acks="all") as producer:
        # Where it fails the process ends, and nothing is committed: the next owner tries again.
        await producer.send_and_wait(contract.DEAD_LETTERS, record.value, record.key, headers=headers)


def settings():
    return {
        "bootstrap_servers": contract.BROKERS,
        "group_id": contract.GROUP,
        "group_instance_id": contract.INSTANCE_ID,
        "session_timeout_ms": contract.SESSION_TIMEOUT_MS,
        "heartbeat_interval_ms": contract.HEARTBEAT_INTERVAL_MS,
        "max_poll_interval_ms": contract.MAX_POLL_INTERVAL_MS,
        # By default the session timeout: a record that takes longer would cost the membership.
        "rebalance_timeout_ms": contract.MAX_POLL_INTERVAL_MS,
        "metadata_max_age_ms": contract.METADATA_MAX_AGE_MS,
        "partition_assignment_strategy": [
            ASSIGNORS.get(contract.ASSIGNOR, RoundRobinPartitionAssignor)
        ],
        # Not "latest", whatever is wanted: a group that dies before its first commit would begin
        # behind what came meanwhile, and so would a reader of a partition that was added.
        "auto_offset_reset": "earliest",
        "enable_auto_commit": False,
    }


asyncio.run(Right().run())
