package main

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
)

var (
	modelFlag      = regexp.MustCompile(`^--model(=.+|$)`)
	servedNameFlag = regexp.MustCompile(`^--served[-_]model[-_]name(=.+|$)`)
)

// normalise rewrites a command line as vLLM's FlexibleArgumentParser does before the standard parser sees it: the model to the
// front, underscores of flag names to dashes, `-O3` to a flag, and `--flag.key value` to JSON.
func normalise(line []string) ([]string, error) {
	if slices.Contains(line, "--config") {
		return nil, fromEngine("--config is not simulated: give the flags on the command line")
	}
	line, err := modelFirst(line)
	if err != nil {
		return nil, err
	}
	words := []string{}
	for i, word := range line {
		name, value, valued := strings.Cut(word, "=")
		switch {
		case strings.HasPrefix(word, "--help="):
			words = append(words, "--help")
		case strings.HasPrefix(word, "--") && valued:
			words = append(words, dashed(name)+"="+value)
		case strings.HasPrefix(word, "--"):
			words = append(words, dashed(word))
		case strings.HasPrefix(word, "-O") && word != "-O":
			words = append(words, "--optimization-level", strings.TrimPrefix(word[2:], "="))
		case word == "-O" && i+1 < len(line) && slices.Contains([]string{"0", "1", "2", "3"}, line[i+1]):
			words = append(words, "--optimization-level")
		default:
			words = append(words, word)
		}
	}
	return joinKeys(words)
}

func modelFirst(line []string) ([]string, error) {
	at := slices.IndexFunc(line, modelFlag.MatchString)
	if at >= 0 {
		model, valued := strings.CutPrefix(line[at], "--model=")
		rest := at + 1
		if !valued {
			if rest == len(line) {
				return nil, fromEngine("--model has no value")
			}
			model, rest = line[rest], rest+1
		}
		return slices.Concat([]string{model}, line[:at], line[rest:]), nil
	}
	if len(line) > 0 && strings.HasPrefix(line[0], "-") && slices.ContainsFunc(line, servedNameFlag.MatchString) {
		return nil, fromEngine("`model` should be provided as the first positional argument, not after --served-model-name, which would swallow it")
	}
	return line, nil
}

func dashed(name string) string {
	head, rest, dotted := strings.Cut(name, ".")
	head = strings.ReplaceAll(head, "_", "-")
	if dotted {
		return head + "." + rest
	}
	return head
}

// joinKeys gathers `--flag.key value` words into one JSON object for each flag, at the end of the line.
func joinKeys(words []string) ([]string, error) {
	kept, objects, order := []string{}, map[string]map[string]any{}, []string{}
	for i := 0; i < len(words); i++ {
		name, value, valued := strings.Cut(words[i], "=")
		if !strings.HasPrefix(name, "-") || !strings.Contains(name, ".") {
			kept = append(kept, words[i])
			continue
		}
		if !valued {
			if i++; i == len(words) {
				return nil, fromEngine("%s has no value", name)
			}
			value = words[i]
		}
		if short, list := strings.CutSuffix(name, "+"); list {
			quoted, err := json.Marshal(strings.Split(value, ","))
			if err != nil {
				return nil, err
			}
			name, value = short, string(quoted)
		}
		keys := strings.Split(name, ".")
		if objects[keys[0]] == nil {
			objects[keys[0]] = map[string]any{}
			order = append(order, keys[0])
		}
		merge(objects[keys[0]], nested(keys[1:], leaf(value)).(map[string]any))
	}
	for _, name := range order {
		text, err := json.Marshal(objects[name])
		if err != nil {
			return nil, err
		}
		kept = append(kept, name, string(text))
	}
	return kept, nil
}

// leaf reads a value as JSON, else as a size such as 80g, else as text.
func leaf(text string) any {
	var value any
	if json.Unmarshal([]byte(text), &value) == nil {
		return value
	}
	if size, err := sizeOf(text); err == nil {
		return size
	}
	return text
}

func nested(keys []string, value any) any {
	for _, key := range slices.Backward(keys) {
		value = map[string]any{key: value}
	}
	return value
}

func merge(into, from map[string]any) {
	for key, value := range from {
		deeper, isObject := value.(map[string]any)
		there, wasObject := into[key].(map[string]any)
		list, isList := value.([]any)
		before, wasList := into[key].([]any)
		switch {
		case isObject && wasObject:
			merge(there, deeper)
		case isList && wasList:
			into[key] = append(before, list...)
		default:
			into[key] = value
		}
	}
}
