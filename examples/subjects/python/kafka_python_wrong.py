"""Four ways to get kafka-python wrong. The argument says which."""

import sys
import time

from kafka import ConsumerRebalanceListener, KafkaConsumer, OffsetAndMetadata
from kafka.structs import TopicPartition

import contract
import work

MISTAKES = ["commits-first", "commits-polled", "keeps-revoked", "skips-failures"]
mistake = sys.argv[1]
assert mistake in MISTAKES, MISTAKES
backlog = []


class Listener(ConsumerRebalanceListener):
    def on_partitions_revoked(self, partitions):
        # WRONG without this: what is in the backlog belongs to the next owner now.
        if mistake != "keeps-revoked":
            backlog[:] = [r for r in backlog if TopicPartition(r.topic, r.partition) not in partitions]

    def on_partitions_assigned(self, partitions):
        pass


def main():
    consumer = KafkaConsumer(
        bootstrap_servers=contract.BROKERS.split(","),
        group_id=contract.GROUP,
        auto_offset_reset=contract.INITIAL,
        session_timeout_ms=contract.SESSION_TIMEOUT_MS,
        heartbeat_interval_ms=contract.HEARTBEAT_INTERVAL_MS,
        # WRONG where records wait in a backlog: poll() commits the position, which is behind all
        # that it handed out. It is the default.
        enable_auto_commit=mistake == "commits-polled",
        auto_commit_interval_ms=contract.COMMIT_INTERVAL_MS,
    )
    consumer.subscribe(contract.TOPICS, listener=Listener())
    while True:
        for records in consumer.poll(0 if backlog else 100, max_records=50).values():
            backlog.extend(records)
        if not backlog:
            continue
        record = backlog.pop(0)
        partition = TopicPartition(record.topic, record.partition)
        offsets = {partition: OffsetAndMetadata(record.offset + 1, "", -1)}
        if mistake == "commits-first":
            # WRONG: "at most once". If the process dies now, the record is lost.
            consumer.commit(offsets)
        finished = finish(record)
        if finished and mistake in ["keeps-revoked", "skips-failures"]:
            # WRONG after a failure: what failed before is below this offset.
            consumer.commit_async(offsets)


def finish(record):
    while True:
        try:
            work.do(record.topic, record.partition, record.offset)
            return True
        except work.Failed:
            if mistake == "skips-failures":
                return False  # "It is not committed, so it comes again." It does not.
            time.sleep(0.1)


main()
