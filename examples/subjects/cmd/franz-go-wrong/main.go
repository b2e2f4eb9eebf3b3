// Franz-go-wrong gets franz-go wrong in four ways. The argument says in which.
package main

import (
	"context"
	"log"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"plimsoll/examples/subjects/internal/sink"
)

func main() {
	mistake := os.Args[1]
	initial := kgo.NewOffset().AtStart()
	if os.Getenv("KAFKA_AUTO_OFFSET_RESET") == "latest" {
		initial = kgo.NewOffset().AtEnd()
	}
	options := []kgo.Opt{
		kgo.SeedBrokers(strings.Split(os.Getenv("KAFKA_BOOTSTRAP_SERVERS"), ",")...),
		kgo.ConsumerGroup(os.Getenv("KAFKA_GROUP_ID")),
		kgo.ConsumeTopics(strings.Split(os.Getenv("KAFKA_TOPIC"), ",")...),
		kgo.ConsumeResetOffset(initial),
		kgo.SessionTimeout(millis("KAFKA_SESSION_TIMEOUT_MS")),
		kgo.HeartbeatInterval(millis("KAFKA_HEARTBEAT_INTERVAL_MS")),
		kgo.AutoCommitInterval(millis("PLIMSOLL_COMMIT_INTERVAL_MS")),
	}
	if mistake != "commits-polled" {
		options = append(options, kgo.DisableAutoCommit())
	}
	if mistake != "keeps-revoked" {
		options = append(options, kgo.BlockRebalanceOnPoll())
	}
	client, err := kgo.NewClient(options...)
	if err != nil {
		log.Fatal(err)
	}
	work := sink.FromEnvironment()
	ctx := context.Background()
	queues := map[int32]chan *kgo.Record{}
	for {
		records := client.PollFetches(ctx).Records()
		switch mistake {
		case "commits-polled":
			// WRONG: the next poll does not wait for these, and franz-go commits what the polls
			// before it handed out.
			go finishAll(records, work)
		case "keeps-revoked":
			// WRONG: a partition that is revoked leaves its queue and its worker behind.
			for _, record := range records {
				queue, known := queues[record.Partition]
				if !known {
					queue = make(chan *kgo.Record, 1000)
					queues[record.Partition] = queue
					go workOff(ctx, client, queue, work)
				}
				queue <- record
			}
		default:
			handle(ctx, client, records, work, mistake)
		}
		client.AllowRebalance()
	}
}

func workOff(ctx context.Context, client *kgo.Client, queue chan *kgo.Record, work *sink.Sink) {
	for record := range queue {
		finish(work, record, false)
		commit(ctx, client, record)
	}
}

func handle(ctx context.Context, client *kgo.Client, records []*kgo.Record, work *sink.Sink, mistake string) {
	for _, record := range records {
		if mistake == "commits-first" {
			// WRONG: "at most once". If the process dies now, the record is lost.
			commit(ctx, client, record)
			finish(work, record, false)
		} else if finish(work, record, mistake == "skips-failures") {
			// WRONG after a failure: what failed before is below this offset.
			commit(ctx, client, record)
		}
	}
}

func finishAll(records []*kgo.Record, work *sink.Sink) {
	for _, record := range records {
		finish(work, record, false)
	}
}

func finish(work *sink.Sink, record *kgo.Record, skips bool) bool {
	for {
		err := work.Do(context.Background(), record.Topic, record.Partition, record.Offset)
		if err == nil {
			return true
		}
		log.Print("failed: ", err)
		if skips {
			return false // "It is not committed, so it comes again." It does not.
		}
		time.Sleep(100 * time.Millisecond)
	}
}

func commit(ctx context.Context, client *kgo.Client, record *kgo.Record) {
	if err := client.CommitRecords(ctx, record); err != nil {
		log.Print("cannot commit: ", err)
	}
}

func millis(variable string) time.Duration {
	number, _ := strconv.Atoi(os.Getenv(variable))
	return time.Duration(number) * time.Millisecond
}
