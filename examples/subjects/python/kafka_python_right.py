"""A consumer with kafka-python that commits only what is finished."""

import signal
import sys
import time

from kafka import AsyncConsumerRebalanceListener, KafkaConsumer, KafkaProducer, OffsetAndMetadata
from kafka.coordinator.assignors.cooperative_sticky import CooperativeStickyAssignor
from kafka.coordinator.assignors.range import RangePartitionAssignor
from kafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from kafka.coordinator.consumer import ConsumerCoordinator
from kafka.errors import KafkaError
from kafka.structs import TopicPartition

import contract
import work

ASSIGNORS = {
    "range": RangePartitionAssignor,
    "roundrobin": RoundRobinPartitionAssignor,
    "cooperative-sticky": CooperativeStickyAssignor,
}


class Right(AsyncConsumerRebalanceListener):
    def __init__(self):
        self.finished = {}  # the next offset of each partition that has a finished record
        self.failures = {}  # the number of failures of the record at which a partition stands
        self.waiting = {}  # the record that is to be tried again of each partition, and the time
        self.stopping = False
        self.consumer = KafkaConsumer(**settings())

    def run(self):
        # The stop only sets a flag: the record in work is finished, and close() gives all up.
        signal.signal(signal.SIGTERM, lambda *_: setattr(self, "stopping", True))
        self.consumer.subscribe(contract.TOPICS, listener=self)
        next_commit, commit = 0, None
        while not self.stopping:
            now = time.monotonic()
            for partition in [p for p, (at, _) in self.waiting.items() if at <= now]:
                self.go_back(partition)
            # One record, so that a rebalance, a commit and a stop wait for one only.
            for partition, records in self.poll().items():
                for record in records:
                    # What stands behind a record that waits is passed over: it comes again.
                    if partition not in self.waiting and self.finish(partition, record):
                        self.finished[partition] = OffsetAndMetadata(record.offset + 1, "", -1)
            if now >= next_commit and self.finished and (commit is None or commit.is_done):
                # All of it each time, so the next commit makes good what a failed one left. And
                # one at a time: what waits in a connection that broke is carried out behind a
                # newer one, which rewinds the group.
                commit = self.consumer.commit_async(dict(self.finished))
                next_commit = now + contract.COMMIT_INTERVAL_MS / 1000
        self.consumer.close(autocommit=False)

    def poll(self):
        """Returns one record at most. poll() raises what passes too, as when the broker dies of
        which kafka-python asks for metadata: the next one tries again."""
        try:
            return self.consumer.poll(100, max_records=1)
        except KafkaError as error:
            if not error.retriable:
                raise
            print("cannot poll:", error, file=sys.stderr)
            return {}

    def finish(self, partition, record):
        """Does the work of a record, or sets it aside. Returns False if it is to be tried again."""
        try:
            work.do(*partition, record.offset)
        except work.Failed as error:
            count = self.failures[partition] = self.failures.get(partition, 0) + 1
            if count < contract.ATTEMPTS and not error.for_good:
                # The record waits; the other partitions and rebalances go on meanwhile, which to
                # sleep here would hold up. No pause: kafka-python 3.0.12 may keep for ever what it
                # has read of a partition that is paused.
                at = time.monotonic() + min(0.1 * 2**count, 2)
                self.waiting[partition] = (at, record.offset)
                return False
            set_aside(record)
        self.failures.pop(partition, None)
        return True

    def go_back(self, partition):
        """Goes back to the record of a partition that is to be tried again."""
        _, offset = self.waiting.pop(partition)
        if partition in self.consumer.assignment():
            self.consumer.seek(partition, offset)

    async def on_partitions_revoked(self, partitions):
        """Commits before the next owner begins. poll() waits for it, so no record is in work. It is
        asynchronous because kafka-python calls it on the thread that would carry the commit."""
        try:
            if self.finished:
                await self.consumer.commit_async(dict(self.finished))
        except KafkaError as error:
            print("cannot commit:", error, file=sys.stderr)  # The next owner repeats a little.
        await self.on_partitions_lost(partitions)

    async def on_partitions_lost(self, partitions):
        """Forgets what was taken away without a question: to commit it now would be too late."""
        for partition in partitions:
            if partition in self.waiting:
                self.go_back(partition)  # Where the partition comes back, its position is kept.
            self.finished.pop(partition, None)
            self.failures.pop(partition, None)

    async def on_partitions_assigned(self, partitions):
        pass


def set_aside(record):
    """Copies a record to the dead-letter topic, and waits until all replicas have it."""
    if contract.DEAD_LETTERS is None:
        return  # It is skipped: your program may decide otherwise.
    origin = {"topic": record.topic, "partition": record.partition, "offset": record.offset}
    headers = [(f"plimsoll-{name}", str(value).encode()) for name, value in origin.items()]
    producer = KafkaProducer(bootstrap_servers=contract.BROKERS.split(","), acks="all")
    # Where it fails the process ends, and nothing is committed: the next owner tries again.
    producer.send(contract.DEAD_LETTERS, record.value, record.key, headers).get(timeout=60)
    producer.close()


def mend_rejoin():
    """Lets kafka-python 3.0.12 finish a join that ended between two polls. Where a leader joins
    because partitions were added, or were not known yet, its own assignment answers
    `need_rejoin`, and it never asks again: the member stands still, without a heartbeat."""
    needs = ConsumerCoordinator.need_rejoin
    ConsumerCoordinator.need_rejoin = lambda self: self._join_task is not None or needs(self)


def settings():
    return {
        "bootstrap_servers": contract.BROKERS.split(","),
        "group_id": contract.GROUP,
        "group_instance_id": contract.INSTANCE_ID,
        "session_timeout_ms": contract.SESSION_TIMEOUT_MS,
        "heartbeat_interval_ms": contract.HEARTBEAT_INTERVAL_MS,
        "max_poll_interval_ms": contract.MAX_POLL_INTERVAL_MS,
        "metadata_max_age_ms": contract.METADATA_MAX_AGE_MS,
        "partition_assignment_strategy": [ASSIGNORS[contract.ASSIGNOR]],
        # Not "latest", whatever is wanted: a group that dies before its first commit would begin
        # behind what came meanwhile, and so would a reader of a partition that was added.
        "auto_offset_reset": "earliest",
        "enable_auto_commit": False,
    }


mend_rejoin()
Right().run()
