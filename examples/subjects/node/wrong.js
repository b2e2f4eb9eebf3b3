// Four ways to get kafkajs wrong. The argument says which.

const { Kafka, logLevel } = require('kafkajs')
const { setTimeout: sleep } = require('node:timers/promises')
const { work } = require('./work')

const env = process.env
const mistake = process.argv[2]
const consumer = new Kafka({
  brokers: env.KAFKA_BOOTSTRAP_SERVERS.split(','),
  logLevel: logLevel.ERROR,
}).consumer({
  groupId: env.KAFKA_GROUP_ID,
  sessionTimeout: Number(env.KAFKA_SESSION_TIMEOUT_MS),
  heartbeatInterval: Number(env.KAFKA_HEARTBEAT_INTERVAL_MS),
})
const commit = (topic, partition, offset) =>
  consumer.commitOffsets([{ topic, partition, offset: String(BigInt(offset) + 1n) }])

const mistakes = {
  async 'commits-first'({ topic, partition, message }) {
    // WRONG: "at most once". If the process dies now, the record is lost.
    await commit(topic, partition, message.offset)
    await finish(topic, partition, message.offset)
  },
  async 'commits-polled'({ topic, partition, message }) {
    // WRONG: without `await` the record counts as done at once, and kafkajs commits it.
    finish(topic, partition, message.offset)
  },
  async 'keeps-revoked'({ topic, partition, message }) {
    // WRONG: the queue is worked off whatever the group says, and what is in it when a partition
    // is revoked belongs to its next owner.
    queue = queue.then(async () => {
      await finish(topic, partition, message.offset)
      await commit(topic, partition, message.offset).catch(console.error)
    })
  },
  async 'skips-failures'({ topic, partition, message }) {
    try {
      await work(topic, partition, message.offset)
    } catch (error) {
      // WRONG: to log it is not to handle it. kafkajs takes the record for done.
      console.error('failed:', error.message)
    }
  },
}
let queue = Promise.resolve()

async function finish(...record) {
  for (;;) {
    try {
      return await work(...record)
    } catch (error) {
      console.error('failed:', error.message)
      await sleep(100)
    }
  }
}

async function main() {
  await consumer.connect()
  const fromBeginning = env.KAFKA_AUTO_OFFSET_RESET === 'earliest'
  await consumer.subscribe({ topics: env.KAFKA_TOPIC.split(','), fromBeginning })
  await consumer.run({
    autoCommit: ['commits-polled', 'skips-failures'].includes(mistake),
    autoCommitInterval: Number(env.PLIMSOLL_COMMIT_INTERVAL_MS),
    eachMessage: mistakes[mistake],
  })
}

main()
