package main

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"sort"
	"strconv"

	"github.com/twmb/franz-go/pkg/kgo"
)

type vectors struct {
	Accepted []struct {
		Name   string
		Usage  json.RawMessage
		Events []struct {
			EventID, Key, Value string
			Partitions          map[string]int
		}
	}
	Refused []struct {
		Name   string
		Usage  json.RawMessage
		Fields []string
	}
}

// check compares what this producer makes with schemas/test-vectors.json.
func check(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var all vectors
	if err := json.Unmarshal(text, &all); err != nil {
		return err
	}
	wrong := 0
	report := func(name string, made any) {
		wrong++
		fmt.Fprintf(os.Stderr, "WRONG: %s: %v\n", name, made)
	}
	for _, vector := range all.Accepted {
		usage, problems := ParseUsage(vector.Usage)
		if len(problems) > 0 {
			report(vector.Name, problems)
			continue
		}
		records := RecordsOf(usage)
		if len(records) != len(vector.Events) {
			report(vector.Name, len(records))
			continue
		}
		for i, record := range records {
			expected := vector.Events[i]
			made := []string{uuidText(record.EventID), string(record.Key), hex.EncodeToString(record.Value)}
			if !reflect.DeepEqual(made, []string{expected.EventID, expected.Key, expected.Value}) {
				report(vector.Name, made)
			}
			for count, partition := range expected.Partitions {
				if made := partitionOf(record.Key, count); made != partition {
					report(vector.Name, fmt.Sprintf("partition %d of %s", made, count))
				}
			}
		}
	}
	for _, vector := range all.Refused {
		_, problems := ParseUsage(vector.Usage)
		var fields []string
		for _, problem := range problems {
			fields = append(fields, problem.Field)
		}
		sort.Strings(fields)
		if !reflect.DeepEqual(fields, vector.Fields) {
			report(vector.Name, problems)
		}
	}
	fmt.Printf("%d accepted and %d refused, %d wrong\n", len(all.Accepted), len(all.Refused), wrong)
	if wrong > 0 {
		return fmt.Errorf("this producer differs from %s", path)
	}
	return nil
}

// partitionOf asks the client's own partitioner.
func partitionOf(key []byte, count string) int {
	partitions, _ := strconv.Atoi(count)
	return kgo.StickyKeyPartitioner(nil).ForTopic("any").Partition(&kgo.Record{Key: key}, partitions)
}
