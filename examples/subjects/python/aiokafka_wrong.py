"""Four ways to get aiokafka wrong. The argument says which."""

import asyncio
import sys

from aiokafka import AIOKafkaConsumer
from aiokafka.structs import TopicPartition

import contract
import work

MISTAKES = ["commits-first", "commits-polled", "keeps-revoked", "skips-failures"]
mistake = sys.argv[1]
assert mistake in MISTAKES, MISTAKES


async def main():
    consumer = AIOKafkaConsumer(
        *contract.TOPICS,
        bootstrap_servers=contract.BROKERS,
        group_id=contract.GROUP,
        auto_offset_reset=contract.INITIAL,
        session_timeout_ms=contract.SESSION_TIMEOUT_MS,
        heartbeat_interval_ms=contract.HEARTBEAT_INTERVAL_MS,
        # WRONG where the work goes on after the next record is asked for: the position is committed,
        # which is behind all that was handed out. It is the default.
        enable_auto_commit=mistake == "commits-polled",
        auto_commit_interval_ms=contract.COMMIT_INTERVAL_MS,
    )
    await consumer.start()
    tasks = set()
    if mistake == "commits-polled":
        async for record in consumer:
            tasks.add(asyncio.create_task(finish(record)))
    while True:
        # WRONG for "keeps-revoked": aiokafka rebalances in the background, and what is left of a
        # batch may belong to another member when its turn comes. The others take one record.
        count = 50 if mistake == "keeps-revoked" else 1
        for records in (await consumer.getmany(timeout_ms=100, max_records=count)).values():
            for record in records:
                await handle(consumer, record)


async def handle(consumer, record):
    partition = TopicPartition(record.topic, record.partition)
    if mistake == "commits-first":
        # WRONG: "at most once". If the process dies now, the record is lost.
        await commit(consumer, partition, record)
    finished = await finish(record)
    if finished and mistake != "commits-first":
        # WRONG after a failure: what failed before is below this offset.
        await commit(consumer, partition, record)


async def commit(consumer, partition, record):
    try:
        await consumer.commit({partition: record.offset + 1})
    except Exception as error:
        print("cannot commit:", error, file=sys.stderr)


async def finish(record):
    while True:
        try:
            await asyncio.to_thread(work.do, record.topic, record.partition, record.offset)
            return True
        except work.Failed:
            if mistake == "skips-failures":
                return False  # "It is not committed, so it comes again." It does not.
            await asyncio.sleep(0.1)


asyncio.run(main())
