// Reads JSON lines of usage and sends them: go run . -topic usage.events.compute usage.jsonl
package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"
)

func main() {
	brokers := flag.String("brokers", "127.0.0.1:9092", "host:port, several separated by commas")
	topic := flag.String("topic", "", "the live topic that serves the provider of the resources")
	vectors := flag.String("check", "", "only compare with this file, schemas/test-vectors.json")
	flag.Parse()
	if err := run(*brokers, *topic, *vectors, flag.Arg(0)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(brokers, topic, vectors, path string) error {
	if vectors != "" {
		return check(vectors)
	}
	if topic == "" {
		return errors.New("give -topic, such as usage.events.compute")
	}
	lines := io.Reader(os.Stdin)
	if path != "" {
		file, err := os.Open(path)
		if err != nil {
			return err
		}
		defer file.Close()
		lines = file
	}
	records, err := readRecords(lines)
	if err != nil {
		return err
	}
	return send(strings.Split(brokers, ","), topic, records)
}

// readRecords reads all lines before anything is sent, so that a wrong line does not leave half a file sent.
func readRecords(lines io.Reader) ([]Record, error) {
	var records []Record
	var problems []string
	scanner := bufio.NewScanner(lines)
	scanner.Buffer(nil, 1024*1024)
	for number := 1; scanner.Scan(); number++ {
		line := bytes.TrimSpace(scanner.Bytes())
		if len(line) == 0 {
			continue
		}
		usage, wrong := ParseUsage(line)
		for _, problem := range wrong {
			problems = append(problems, fmt.Sprintf("line %d: %s: %s", number, problem.Field, problem.Text))
		}
		if len(wrong) == 0 {
			records = append(records, RecordsOf(usage)...)
		}
	}
	if err := scanner.Err(); err != nil {
		return nil, err
	}
	if len(problems) > 0 {
		return nil, errors.New(strings.Join(append(problems, "Nothing was sent."), "\n"))
	}
	return records, nil
}

// send prints each event that the broker has. By default this client is idempotent, waits for all replicas and
// hashes keys with murmur2, as the pipeline does.
func send(brokers []string, topic string, records []Record) error {
	client, err := kgo.NewClient(kgo.SeedBrokers(brokers...), kgo.DefaultProduceTopic(topic))
	if err != nil {
		return err
	}
	defer client.Close()
	batch := make([]*kgo.Record, len(records))
	for i, record := range records {
		batch[i] = &kgo.Record{Key: record.Key, Value: record.Value}
	}
	results := client.ProduceSync(context.Background(), batch...)
	for _, result := range results {
		if result.Err != nil {
			continue
		}
		var id [16]byte
		copy(id[:], result.Record.Value[5:])
		fmt.Printf("%s %s/%d/%d\n", uuidText(id), result.Record.Topic, result.Record.Partition, result.Record.Offset)
	}
	return results.FirstErr()
}

func uuidText(id [16]byte) string {
	return fmt.Sprintf("%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:])
}
