package main

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// The format itself refuses longer headers.
const longestHeader = 100_000_000

// snapshotOf finds the files of a model as an offline vLLM does: in the cache, at the revision.
func snapshotOf(chosen *settings) (string, error) {
	if information, err := os.Stat(chosen.model); err == nil && information.IsDir() {
		return chosen.model, nil
	}
	folder := filepath.Join(chosen.cache, "models--"+strings.ReplaceAll(chosen.model, "/", "--"))
	revision := chosen.revision
	if revision == "" {
		named, err := os.ReadFile(filepath.Join(folder, "refs", "main"))
		if err != nil {
			return "", fmt.Errorf("%s has no --revision, and the cache does not say which is its newest: %w", chosen.model, err)
		}
		revision = strings.TrimSpace(string(named))
	}
	snapshot := filepath.Join(folder, "snapshots", revision)
	if _, err := os.Stat(filepath.Join(snapshot, "config.json")); err != nil {
		return "", fmt.Errorf("%s at %s is not in the cache, and the engine is offline: %w", chosen.model, revision, err)
	}
	return snapshot, nil
}

// checkWeights reads every weight file of a snapshot whole, as a loader would, and refuses one that is missing or damaged.
func checkWeights(snapshot string) error {
	files, err := filepath.Glob(filepath.Join(snapshot, "*.safetensors"))
	if err != nil {
		return err
	}
	if len(files) == 0 {
		return fmt.Errorf("cannot find any model weights: no *.safetensors in %s", snapshot)
	}
	if err := checkIndex(snapshot); err != nil {
		return err
	}
	for _, file := range files {
		if err := checkFile(file); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
	}
	return nil
}

// checkIndex refuses a snapshot that lacks one of the files its index names.
func checkIndex(snapshot string) error {
	path := filepath.Join(snapshot, "model.safetensors.index.json")
	text, err := os.ReadFile(path)
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		return err
	}
	index := struct {
		Files map[string]string `json:"weight_map"`
	}{}
	if err := json.Unmarshal(text, &index); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	for _, name := range slices.Compact(slices.Sorted(maps.Values(index.Files))) {
		if _, err := os.Stat(filepath.Join(snapshot, name)); err != nil {
			return fmt.Errorf("%s names a file that is not there: %w", path, err)
		}
	}
	return nil
}

type tensor struct {
	Offsets [2]int64 `json:"data_offsets"`
}

func checkFile(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	var length uint64
	if err := binary.Read(file, binary.LittleEndian, &length); err != nil {
		return fmt.Errorf("the file ends before the length of its header: %w", err)
	}
	if length > longestHeader {
		return fmt.Errorf("header too large: %d bytes", length)
	}
	header := make([]byte, length)
	if _, err := io.ReadFull(file, header); err != nil {
		return fmt.Errorf("the file ends inside its header of %d bytes: %w", length, err)
	}
	expected, err := dataLength(header)
	if err != nil {
		return err
	}
	found, err := io.Copy(io.Discard, file)
	if err != nil {
		return err
	}
	if found != expected {
		return fmt.Errorf("incomplete metadata, file not fully covered: the tensors take %d bytes, the file has %d", expected, found)
	}
	return nil
}

// dataLength is the number of bytes that the tensors of a header take, each beginning where the one before ends.
func dataLength(header []byte) (int64, error) {
	entries := map[string]json.RawMessage{}
	if err := json.Unmarshal(header, &entries); err != nil {
		return 0, fmt.Errorf("invalid JSON in the header: %w", err)
	}
	delete(entries, "__metadata__")
	tensors := make([]tensor, 0, len(entries))
	for name, entry := range entries {
		one := tensor{Offsets: [2]int64{-1, -1}}
		if err := json.Unmarshal(entry, &one); err != nil {
			return 0, fmt.Errorf("tensor %s: %w", name, err)
		}
		tensors = append(tensors, one)
	}
	slices.SortFunc(tensors, func(a, b tensor) int { return int(a.Offsets[0] - b.Offsets[0]) })
	end := int64(0)
	for _, one := range tensors {
		if one.Offsets[0] != end || one.Offsets[1] < end {
			return 0, errors.New("invalid offsets: the tensors leave a gap or overlap")
		}
		end = one.Offsets[1]
	}
	return end, nil
}
