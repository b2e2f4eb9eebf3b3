// Sarama-mended is sarama-recipe without its mistakes: what was marked is committed, and nothing is
// marked before every earlier message of its partition is finished.
package main

import (
	"context"
	"errors"
	"log"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/IBM/sarama"

	"plimsoll/examples/subjects/internal/learned"
	"plimsoll/examples/subjects/internal/sink"
)

const (
	firstBackoff = 100 * time.Millisecond
	maxBackoff   = 2 * time.Second
)

func main() {
	config := sarama.NewConfig()
	config.Consumer.Offsets.AutoCommit.Enable = true
	config.Consumer.Offsets.AutoCommit.Interval = millis(told("PLIMSOLL_COMMIT_INTERVAL_MS", 1000))
	// From newest, a group that has not committed yet skips what arrives while it is down.
	config.Consumer.Offsets.Initial = sarama.OffsetOldest
	config.Consumer.Group.Session.Timeout = millis(told("KAFKA_SESSION_TIMEOUT_MS", 10_000))
	config.Consumer.Group.Heartbeat.Interval = millis(told("KAFKA_HEARTBEAT_INTERVAL_MS", 3_000))
	config.Metadata.RefreshFrequency = millis(told("KAFKA_METADATA_MAX_AGE_MS", 300_000))
	config.Producer.RequiredAcks = sarama.WaitForAll
	config.Producer.Return.Successes = true

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	for ctx.Err() == nil {
		if err := consume(ctx, config); err != nil {
			log.Print(err)
			pause(ctx, time.Second)
		}
	}
}

// consume takes part in the group until ctx is done.
func consume(ctx context.Context, config *sarama.Config) error {
	brokers := strings.Split(os.Getenv("KAFKA_BOOTSTRAP_SERVERS"), ",")
	topics := strings.Split(os.Getenv("KAFKA_TOPIC"), ",")
	handler := &handler{
		sink:        sink.FromEnvironment(),
		attempts:    told("PLIMSOLL_ATTEMPTS", 5),
		deadLetters: os.Getenv("PLIMSOLL_DEAD_LETTER_TOPIC"),
	}
	if handler.deadLetters != "" {
		producer, err := sarama.NewSyncProducer(brokers, config)
		if err != nil {
			return err
		}
		defer closeOrLog("the producer", producer.Close)
		handler.producer = producer
	}
	group, err := sarama.NewConsumerGroup(brokers, os.Getenv("KAFKA_GROUP_ID"), config)
	if err != nil {
		return err
	}
	// Close leaves the group, so that other members take over at once.
	defer closeOrLog("the consumer", group.Close)
	for ctx.Err() == nil {
		if err := group.Consume(ctx, topics, handler); err != nil {
			log.Printf("cannot consume: %v", err)
			pause(ctx, time.Second)
		}
	}
	return nil
}

// told returns a number that the environment has, or else one of this program's own.
func told(variable string, otherwise int) int {
	if number, err := strconv.Atoi(os.Getenv(variable)); err == nil {
		return number
	}
	return otherwise
}

func millis(number int) time.Duration { return time.Duration(number) * time.Millisecond }

type handler struct {
	sink *sink.Sink
	// attempts is the number of attempts at a message before it goes to the dead-letter topic.
	attempts    int
	deadLetters string
	producer    sarama.SyncProducer
}

func (h *handler) Setup(session sarama.ConsumerGroupSession) error {
	learned.WhenOver(session)
	return nil
}

func (h *handler) Cleanup(sarama.ConsumerGroupSession) error { return nil }

// ConsumeClaim handles one message after the other. When the session ends it finishes the one that
// it has and begins no other; Sarama commits the marks once all claims have returned.
func (h *handler) ConsumeClaim(
	session sarama.ConsumerGroupSession,
	claim sarama.ConsumerGroupClaim,
) error {
	done := session.Context().Done()
	for {
		select {
		case <-done:
			return nil
		case message, open := <-claim.Messages():
			if !open || !h.finish(session.Context(), message) {
				return nil
			}
			session.MarkMessage(message, "")
		}
	}
}

// finish handles a message, again and again if need be, or sets it aside. It returns false where the
// session ended first: the message is not finished, and the partition's next owner gets it.
func (h *handler) finish(ctx context.Context, message *sarama.ConsumerMessage) bool {
	backoff := firstBackoff
	for attempt := 1; ctx.Err() == nil; attempt++ {
		// The end of the session does not break off what has begun.
		err := h.sink.Handle(context.WithoutCancel(ctx), message)
		if err == nil {
			return true
		}
		log.Printf("%s-%d@%d failed: %v", message.Topic, message.Partition, message.Offset, err)
		if errors.Is(err, sink.ErrPermanent) || attempt == h.attempts {
			return h.setAside(ctx, message)
		}
		pause(ctx, backoff)
		backoff = min(2*backoff, maxBackoff)
	}
	return false
}

// setAside copies a message to the dead-letter topic, and waits until all in-sync replicas have it.
// Where that fails it is tried again for as long as the session lasts: the message is not lost.
func (h *handler) setAside(ctx context.Context, message *sarama.ConsumerMessage) bool {
	header := func(key, value string) sarama.RecordHeader {
		return sarama.RecordHeader{Key: []byte(key), Value: []byte(value)}
	}
	for ctx.Err() == nil {
		err := errors.New("there is no dead-letter topic")
		if h.producer != nil {
			_, _, err = h.producer.SendMessage(&sarama.ProducerMessage{
				Topic: h.deadLetters,
				Key:   sarama.ByteEncoder(message.Key),
				Value: sarama.ByteEncoder(message.Value),
				Headers: []sarama.RecordHeader{
					header("plimsoll-topic", message.Topic),
					header("plimsoll-partition", strconv.Itoa(int(message.Partition))),
					header("plimsoll-offset", strconv.FormatInt(message.Offset, 10)),
				},
			})
		}
		if err == nil {
			return true
		}
		log.Printf("%s-%d@%d cannot be set aside: %v", message.Topic, message.Partition, message.Offset, err)
		pause(ctx, maxBackoff)
	}
	return false
}

// pause waits, but not beyond the end of ctx.
func pause(ctx context.Context, duration time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(duration):
	}
}

func closeOrLog(what string, close func() error) {
	if err := close(); err != nil {
		log.Printf("cannot close %s: %v", what, err)
	}
}
