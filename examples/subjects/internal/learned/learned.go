// Package learned prints what a member learned of its group, in the lines of Kafka's
// VerifiableConsumer: the wire does not show the moment. A trial reads them from standard output.
package learned

import (
	"encoding/json"
	"log"
	"os"

	"github.com/IBM/sarama"
)

type line struct {
	Name       string      `json:"name"`
	Partitions []partition `json:"partitions"`
}

type partition struct {
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
}

// Revoked prints that the member must give partitions up.
func Revoked(partitions map[string][]int32) {
	said := line{Name: "partitions_revoked"}
	for topic, numbers := range partitions {
		for _, number := range numbers {
			said.Partitions = append(said.Partitions, partition{topic, number})
		}
	}
	// One write for each line, which no other one divides.
	if err := json.NewEncoder(os.Stdout).Encode(said); err != nil {
		log.Printf("cannot print what was learned: %v", err)
	}
}

// WhenOver prints that a session of Sarama's gives its partitions up, as soon as it is over: Sarama
// says so by the session's context, while claims may still have messages in hand. It does not say
// whether they are lost.
func WhenOver(session sarama.ConsumerGroupSession) {
	go func() {
		<-session.Context().Done()
		Revoked(session.Claims())
	}()
}
