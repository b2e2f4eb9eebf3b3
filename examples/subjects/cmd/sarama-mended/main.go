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

	"plimsoll/examples/subjects/internal/sink"
)

const (
	// attempts is the number of attempts at a message before it goes to the dead-letter topic.
	attempts     = 5
	firstBackoff = 100 * time.Millisecond
	maxBackoff   = 2 * time.Second
)

func main() {
	config := sarama.NewConfig()
	config.Consumer.Offsets.AutoCommit.Enable = true
	config.Consumer.Offsets.AutoCommit.Interval = time.Second
	// From newest, a group that has not committed yet skips what arrives while it is down.
	config.Consumer.Offsets.Initial = sarama.OffsetOldest
	config.Consumer.Group.Session.Timeout = 10 * time.Second
	config.Consumer.Group.Heartbeat.Interval = 3 * time.Second
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
	handler := &handler{sink: sink.FromEnvironment(), deadLetters: os.Getenv("PLIMSOLL_DEAD_LETTER_TOPIC")}
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

type handler struct {
	sink        *sink.Sink
	deadLetters string
	producer    sarama.SyncProducer
}

func (h *handler) Setup(sarama.ConsumerGroupSession) error   { return nil }
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
		if errors.Is(err, sink.ErrPermanent) || attempt == attempts {
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
