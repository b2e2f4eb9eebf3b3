// Franz-go-right is a consumer with franz-go that commits only what is finished: each partition has a
// goroutine of its own, and what is revoked is waited for.
package main

import (
	"context"
	"errors"
	"log"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"plimsoll/examples/subjects/internal/learned"
	"plimsoll/examples/subjects/internal/sink"
)

type partition struct {
	topic  string
	number int32
}

// worker handles the records of a partition for as long as its member owns it.
type worker struct {
	records chan []*kgo.Record
	stop    context.CancelFunc
	done    chan struct{}
}

type consumer struct {
	sink     *sink.Sink
	attempts int
	mutex    sync.Mutex // franz-go calls assigned and revoked while run polls.
	workers  map[partition]*worker
}

func main() {
	c := &consumer{sink.FromEnvironment(), told("PLIMSOLL_ATTEMPTS", 5), sync.Mutex{}, map[partition]*worker{}}
	client, err := kgo.NewClient(append(settings(),
		kgo.OnPartitionsAssigned(c.assigned),
		// The next owner begins when this returns: at what is finished, if it is committed.
		kgo.OnPartitionsRevoked(func(ctx context.Context, client *kgo.Client, given map[string][]int32) {
			learned.Revoked(given)
			c.end(given)
			if err := client.CommitMarkedOffsets(ctx); err != nil {
				log.Printf("cannot commit: %v", err)
			}
		}),
		// What is lost has another owner already: to commit it now would be too late. It is not printed:
		// franz-go says so too where it only fails to reach the coordinator, and goes on to commit.
		kgo.OnPartitionsLost(func(_ context.Context, _ *kgo.Client, lost map[string][]int32) { c.end(lost) }),
	)...)
	if err != nil {
		log.Fatal(err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	for ctx.Err() == nil {
		fetches := client.PollRecords(ctx, 1000)
		fetches.EachError(func(topic string, number int32, err error) { log.Print(topic, number, err) })
		fetches.EachPartition(func(fetched kgo.FetchTopicPartition) {
			p := partition{fetched.Topic, fetched.Partition}
			c.mutex.Lock()
			defer c.mutex.Unlock()
			if worker := c.workers[p]; worker != nil && len(fetched.Records) > 0 {
				// No more of this partition until these are finished: the queue has room for one.
				client.PauseFetchPartitions(p.asMap())
				worker.records <- fetched.Records
			}
		})
		client.AllowRebalance()
	}
	client.CloseAllowingRebalance() // Revokes everything, which commits it, and leaves the group.
}

func (c *consumer) assigned(_ context.Context, client *kgo.Client, assigned map[string][]int32) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	for topic, numbers := range assigned {
		for _, number := range numbers {
			p := partition{topic, number}
			ctx, stop := context.WithCancel(context.Background())
			w := &worker{make(chan []*kgo.Record, 1), stop, make(chan struct{})}
			c.workers[p] = w
			client.ResumeFetchPartitions(p.asMap()) // A pause outlasts a rebalance.
			go c.work(ctx, client, p, w)
		}
	}
}

// end stops the workers of these partitions, and waits for the records that they have in work.
func (c *consumer) end(partitions map[string][]int32) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	var ending []*worker
	for topic, numbers := range partitions {
		for _, number := range numbers {
			if w := c.workers[partition{topic, number}]; w != nil {
				w.stop()
				ending = append(ending, w)
				delete(c.workers, partition{topic, number})
			}
		}
	}
	for _, w := range ending {
		<-w.done
	}
}

func (c *consumer) work(ctx context.Context, client *kgo.Client, p partition, w *worker) {
	defer close(w.done)
	for {
		select {
		case <-ctx.Done():
			return
		case records := <-w.records:
			for _, record := range records {
				if !c.finish(ctx, client, record) {
					return
				}
				// What is marked is committed at each interval.
				client.MarkCommitRecords(record)
			}
			client.ResumeFetchPartitions(p.asMap())
		}
	}
}

// finish does the work of a record, again and again if need be, or sets it aside. It returns false
// where the partition was given up first.
func (c *consumer) finish(ctx context.Context, client *kgo.Client, record *kgo.Record) bool {
	for attempt := 1; ctx.Err() == nil; attempt++ {
		// What has begun is not broken off: a rebalance waits for it.
		err := c.sink.Do(context.Background(), record.Topic, record.Partition, record.Offset)
		if err == nil {
			return true
		}
		log.Printf("%s-%d@%d failed: %v", record.Topic, record.Partition, record.Offset, err)
		if errors.Is(err, sink.ErrPermanent) || attempt >= c.attempts {
			return setAside(ctx, client, record)
		}
		pause(ctx, min(100*time.Millisecond<<min(attempt, 5), 2*time.Second))
	}
	return false
}

// setAside copies a record to the dead-letter topic, and waits until all replicas have it.
func setAside(ctx context.Context, client *kgo.Client, record *kgo.Record) bool {
	topic := os.Getenv("PLIMSOLL_DEAD_LETTER_TOPIC")
	if topic == "" {
		return true // It is skipped: your program may decide otherwise.
	}
	copied := &kgo.Record{Topic: topic, Key: record.Key, Value: record.Value, Headers: []kgo.RecordHeader{
		{Key: "plimsoll-topic", Value: []byte(record.Topic)},
		{Key: "plimsoll-partition", Value: []byte(strconv.Itoa(int(record.Partition)))},
		{Key: "plimsoll-offset", Value: []byte(strconv.FormatInt(record.Offset, 10))},
	}}
	for ctx.Err() == nil {
		err := client.ProduceSync(ctx, copied).FirstErr()
		if err == nil {
			return true
		}
		log.Printf("cannot set a record aside: %v", err)
		pause(ctx, time.Second)
	}
	return false
}

func settings() []kgo.Opt {
	balancers := map[string]kgo.GroupBalancer{
		"range": kgo.RangeBalancer(), "roundrobin": kgo.RoundRobinBalancer(),
		"cooperative-sticky": kgo.CooperativeStickyBalancer(),
	}
	options := []kgo.Opt{
		kgo.SeedBrokers(strings.Split(os.Getenv("KAFKA_BOOTSTRAP_SERVERS"), ",")...),
		kgo.ConsumerGroup(os.Getenv("KAFKA_GROUP_ID")),
		kgo.ConsumeTopics(strings.Split(os.Getenv("KAFKA_TOPIC"), ",")...),
		kgo.Balancers(balancers[os.Getenv("KAFKA_PARTITION_ASSIGNMENT_STRATEGY")]),
		kgo.SessionTimeout(millis("KAFKA_SESSION_TIMEOUT_MS", 45_000)),
		kgo.HeartbeatInterval(millis("KAFKA_HEARTBEAT_INTERVAL_MS", 3_000)),
		kgo.RebalanceTimeout(millis("KAFKA_MAX_POLL_INTERVAL_MS", 60_000)),
		kgo.MetadataMaxAge(millis("KAFKA_METADATA_MAX_AGE_MS", 300_000)),
		kgo.MetadataMinAge(time.Second), // Its default is above what a scenario may tell.
		// Not the end, whatever is wanted: a group that dies before its first commit would begin
		// behind what came meanwhile, and so would a reader of a partition that was added.
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		// Only what is marked is committed, and a rebalance waits for the hand-over to the workers.
		kgo.AutoCommitMarks(),
		kgo.AutoCommitInterval(millis("PLIMSOLL_COMMIT_INTERVAL_MS", 5_000)),
		kgo.BlockRebalanceOnPoll(),
		kgo.FetchMaxWait(500 * time.Millisecond), // A resumed partition waits for it.
	}
	if id := os.Getenv("KAFKA_GROUP_INSTANCE_ID"); id != "" {
		options = append(options, kgo.InstanceID(id))
	}
	return options
}

func (p partition) asMap() map[string][]int32 { return map[string][]int32{p.topic: {p.number}} }

// told returns a number that the environment has, or else one of this program's own.
func told(variable string, otherwise int) int {
	if number, err := strconv.Atoi(os.Getenv(variable)); err == nil {
		return number
	}
	return otherwise
}

func millis(variable string, otherwise int) time.Duration {
	return time.Duration(told(variable, otherwise)) * time.Millisecond
}

// pause waits, but not beyond the end of ctx.
func pause(ctx context.Context, duration time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(duration):
	}
}
