// A consumer with kafkajs that commits only what is finished.

const { Kafka, logLevel } = require('kafkajs')
const { setTimeout: sleep } = require('node:timers/promises')
const { work, Failed } = require('./work')

const env = process.env
const attempts = Number(env.PLIMSOLL_ATTEMPTS ?? 5)
const kafka = new Kafka({
  brokers: env.KAFKA_BOOTSTRAP_SERVERS.split(','),
  logLevel: logLevel.ERROR,
})
const producer = kafka.producer()
const consumer = kafka.consumer({
  groupId: env.KAFKA_GROUP_ID,
  sessionTimeout: Number(env.KAFKA_SESSION_TIMEOUT_MS ?? 30_000),
  heartbeatInterval: Number(env.KAFKA_HEARTBEAT_INTERVAL_MS ?? 3_000),
  rebalanceTimeout: Number(env.KAFKA_MAX_POLL_INTERVAL_MS ?? 60_000),
  metadataMaxAge: Number(env.KAFKA_METADATA_MAX_AGE_MS ?? 300_000),
  // A crash that kafkajs takes for hopeless ends the process: what restarts it begins anew.
  retry: { retries: 20, maxRetryTime: 2_000, restartOnFailure: async () => true },
})

// Where it cannot join again at once, kafkajs goes on with the partitions that it had.
let hasLeft = false
consumer.on(consumer.events.REBALANCING, () => { hasLeft = true })
consumer.on(consumer.events.GROUP_JOIN, () => { hasLeft = false })

async function main() {
  await producer.connect()
  await consumer.connect()
  // Not the end, whatever is wanted: a group that dies before its first commit would begin behind
  // what came meanwhile, and so would a reader of a partition that was added.
  await consumer.subscribe({ topics: env.KAFKA_TOPIC.split(','), fromBeginning: true })
  await consumer.run({
    // kafkajs commits what eachMessage returned from, by this interval and after each batch.
    autoCommitInterval: Number(env.PLIMSOLL_COMMIT_INTERVAL_MS ?? 5_000),
    // A partition whose record is tried again holds none of the others up.
    partitionsConsumedConcurrently: 64,
    eachMessage: finish,
  })
}

// Does the work of a record, or sets it aside. It throws only where the member is to join anew: then
// the record is not committed, and the partition's next owner begins with it.
async function finish({ topic, partition, message, heartbeat }) {
  // This type of error makes kafkajs ask to join once more.
  if (hasLeft) throw Object.assign(new Error('not in the group'), { type: 'REBALANCE_IN_PROGRESS' })
  for (let attempt = 1; ; attempt++) {
    try {
      return await work(topic, partition, message.offset)
    } catch (error) {
      if (!(error instanceof Failed)) throw error
      console.error(`${topic}-${partition}@${message.offset} failed: ${error.message}`)
      if (error.forGood || attempt >= attempts) return await setAside(topic, partition, message)
      await sleep(Math.min(100 * 2 ** attempt, 2_000))
      // Only heartbeats tell kafkajs of a rebalance: this one throws then, and the retries end.
      await heartbeat()
    }
  }
}

// Copies a record to the dead-letter topic, and waits until all replicas have it.
async function setAside(topic, partition, { key, value, offset }) {
  if (!env.PLIMSOLL_DEAD_LETTER_TOPIC) return // It is skipped: your program may decide otherwise.
  const headers = {
    'plimsoll-topic': topic,
    'plimsoll-partition': String(partition),
    'plimsoll-offset': offset,
  }
  await producer.send({
    topic: env.PLIMSOLL_DEAD_LETTER_TOPIC,
    acks: -1,
    messages: [{ key, value, headers }],
  })
}

// The records in work are finished, what is finished is committed, and the member leaves.
process.once('SIGTERM', async () => {
  await consumer.disconnect()
  await producer.disconnect()
  process.exit()
})

main()
