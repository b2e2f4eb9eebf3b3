// The work that these programs do with a record. In a trial it is a call of Plimsoll's sink, which
// answers with the outcome; in your program it is whatever your program is for.

class Failed extends Error {
  constructor(reason, forGood) {
    super(reason)
    this.forGood = forGood // It would fail each time.
  }
}

async function work(topic, partition, offset) {
  const response = await fetch(process.env.PLIMSOLL_SINK_URL, {
    method: 'POST',
    body: JSON.stringify({ topic, partition, offset }),
    signal: AbortSignal.timeout(30_000),
  }).catch((error) => {
    throw new Failed(error.message, false)
  })
  await response.arrayBuffer() // Read to its end, so that the connection is used again.
  if (!response.ok) throw new Failed(`the sink answered ${response.status}`, response.status === 422)
}

module.exports = { work, Failed }
