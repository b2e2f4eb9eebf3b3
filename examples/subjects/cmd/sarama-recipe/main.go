// Sarama-recipe consumes as a widely shared text on reliable consumers recommends it: auto-commit
// off, CommitInterval 1 s, MarkMessage on success only, `continue` on failure. It loses messages.
package main

import (
	"context"
	"log"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/IBM/sarama"

	"plimsoll/examples/subjects/internal/learned"
	"plimsoll/examples/subjects/internal/sink"
)

func main() {
	config := sarama.NewConfig()
	// Off, as the text says; the text's sixth question is about the variant with auto-commit on.
	config.Consumer.Offsets.AutoCommit.Enable = os.Getenv("SUBJECT_AUTO_COMMIT") == "true"
	config.Consumer.Offsets.AutoCommit.Interval = time.Second
	config.Consumer.Offsets.CommitInterval = time.Second
	config.Consumer.Offsets.Initial = sarama.OffsetOldest
	if os.Getenv("SUBJECT_INITIAL") == "newest" {
		config.Consumer.Offsets.Initial = sarama.OffsetNewest
	}
	config.Consumer.Group.Session.Timeout = 10 * time.Second
	config.Consumer.Group.Heartbeat.Interval = 3 * time.Second

	brokers := strings.Split(os.Getenv("KAFKA_BOOTSTRAP_SERVERS"), ",")
	topics := strings.Split(os.Getenv("KAFKA_TOPIC"), ",")
	group, err := sarama.NewConsumerGroup(brokers, os.Getenv("KAFKA_GROUP_ID"), config)
	if err != nil {
		log.Fatalf("cannot join: %v", err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	handler := &handler{sink: sink.FromEnvironment()}
	for ctx.Err() == nil {
		if err := group.Consume(ctx, topics, handler); err != nil {
			log.Printf("cannot consume: %v", err)
			time.Sleep(time.Second)
		}
	}
	if err := group.Close(); err != nil {
		log.Printf("cannot leave: %v", err)
	}
}

type handler struct {
	sink *sink.Sink
}

func (h *handler) Setup(session sarama.ConsumerGroupSession) error {
	learned.WhenOver(session)
	return nil
}

func (h *handler) Cleanup(sarama.ConsumerGroupSession) error { return nil }

func (h *handler) ConsumeClaim(
	session sarama.ConsumerGroupSession,
	claim sarama.ConsumerGroupClaim,
) error {
	// The end of the session closes the channel; what is in it by then is still handled.
	for message := range claim.Messages() {
		if err := h.sink.Handle(context.Background(), message); err != nil {
			log.Printf("%s-%d@%d failed: %v", message.Topic, message.Partition, message.Offset, err)
			// Not marked, so that it comes again: that is what the text says.
			continue
		}
		session.MarkMessage(message, "")
	}
	return nil
}
