// Sarama-wrong gets Sarama wrong in four ways. The argument says in which.
package main

import (
	"context"
	"log"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/IBM/sarama"

	"plimsoll/examples/subjects/internal/learned"
	"plimsoll/examples/subjects/internal/sink"
)

func main() {
	config := sarama.NewConfig()
	config.Consumer.Offsets.AutoCommit.Interval = millis("PLIMSOLL_COMMIT_INTERVAL_MS")
	if os.Getenv("KAFKA_AUTO_OFFSET_RESET") == "earliest" {
		config.Consumer.Offsets.Initial = sarama.OffsetOldest
	}
	config.Consumer.Group.Session.Timeout = millis("KAFKA_SESSION_TIMEOUT_MS")
	config.Consumer.Group.Heartbeat.Interval = millis("KAFKA_HEARTBEAT_INTERVAL_MS")
	brokers := strings.Split(os.Getenv("KAFKA_BOOTSTRAP_SERVERS"), ",")
	group, err := sarama.NewConsumerGroup(brokers, os.Getenv("KAFKA_GROUP_ID"), config)
	if err != nil {
		log.Fatal(err)
	}
	topics := strings.Split(os.Getenv("KAFKA_TOPIC"), ",")
	handler := &handler{sink: sink.FromEnvironment(), mistake: os.Args[1]}
	for {
		if err := group.Consume(context.Background(), topics, handler); err != nil {
			log.Print(err)
			time.Sleep(time.Second)
		}
	}
}

type handler struct {
	sink    *sink.Sink
	mistake string
}

func (h *handler) Setup(session sarama.ConsumerGroupSession) error {
	learned.WhenOver(session)
	return nil
}

func (h *handler) Cleanup(sarama.ConsumerGroupSession) error { return nil }

func (h *handler) ConsumeClaim(session sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	// One worker for each claim, which outlives it.
	queue := make(chan *sarama.ConsumerMessage, 1000)
	defer close(queue)
	go func() {
		for message := range queue {
			if h.mistake == "commits-polled" && session.Context().Err() != nil {
				continue // It belongs to the partition's next owner, which begins behind it.
			}
			// WRONG where it keeps what was revoked: nothing asks whether the session is over, and
			// what is in the queue then belongs to the partition's next owner.
			h.finish(message)
			session.MarkMessage(message, "")
		}
	}()
	for message := range claim.Messages() {
		switch h.mistake {
		case "commits-first":
			// WRONG: "at most once". If the process dies now, the record is lost.
			session.MarkMessage(message, "")
			session.Commit()
			h.finish(message)
		case "commits-polled":
			// WRONG: a mark says that the work is done, and it has not begun.
			session.MarkMessage(message, "")
			queue <- message
		case "keeps-revoked":
			queue <- message
		case "skips-failures":
			if h.finish(message) {
				// WRONG after a failure: a mark is a maximum, and takes what failed along.
				session.MarkMessage(message, "")
			}
		}
	}
	return nil
}

func (h *handler) finish(message *sarama.ConsumerMessage) bool {
	for {
		err := h.sink.Handle(context.Background(), message)
		if err == nil {
			return true
		}
		log.Print("failed: ", err)
		if h.mistake == "skips-failures" {
			return false // "It is not marked, so it comes again." It does not.
		}
		time.Sleep(100 * time.Millisecond)
	}
}

func millis(variable string) time.Duration {
	number, _ := strconv.Atoi(os.Getenv(variable))
	return time.Duration(number) * time.Millisecond
}
