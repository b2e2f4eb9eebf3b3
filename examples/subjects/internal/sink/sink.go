// Package sink does the work of the programs: one HTTP request for each record. The sink notes the
// request in place of what an alarm engine would do, and answers with the outcome.
package sink

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/IBM/sarama"
)

// ErrPermanent is a failure that trying again cannot mend.
var ErrPermanent = errors.New("permanent failure")

// Sink is where the work is done.
type Sink struct {
	url    string
	client http.Client
}

// FromEnvironment returns the sink that PLIMSOLL_SINK_URL names.
func FromEnvironment() *Sink {
	return &Sink{
		url:    os.Getenv("PLIMSOLL_SINK_URL"),
		client: http.Client{Timeout: 30 * time.Second},
	}
}

type record struct {
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	Offset    int64  `json:"offset"`
}

// Handle does the work of one message of Sarama's.
func (s *Sink) Handle(ctx context.Context, message *sarama.ConsumerMessage) error {
	return s.Do(ctx, message.Topic, message.Partition, message.Offset)
}

// Do does the work of one record. It fails with ErrPermanent, or with an error that may pass.
func (s *Sink) Do(ctx context.Context, topic string, partition int32, offset int64) error {
	body, err := json.Marshal(record{topic, partition, offset})
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := s.client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	// The body is read to its end, so that the connection is used again.
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		return err
	}
	switch response.StatusCode {
	case http.StatusOK:
		return nil
	case http.StatusUnprocessableEntity:
		return ErrPermanent
	default:
		return fmt.Errorf("the sink answered %s", response.Status)
	}
}
