package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
)

// piece is what counts as one token here and in the simulator, whose tokenizer cuts at the same places.
var piece = regexp.MustCompile(`\w+\s*|[^\w\s]\s*`)

// generation is one request for text.
type generation struct {
	body    map[string]any
	chat    bool
	stream  bool
	model   string
	answers int
}

// rejection is an answer other than 200, in vLLM's shape.
type rejection struct {
	status  int
	kind    string
	message string
}

func badRequest(text string, values ...any) *rejection {
	return &rejection{http.StatusBadRequest, "BadRequestError", fmt.Sprintf(text, values...)}
}

func readGeneration(text []byte, chosen *settings) (*generation, *rejection) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber() // a client's numbers go on as they came
	wanted := &generation{body: map[string]any{}, answers: 1}
	if err := decoder.Decode(&wanted.body); err != nil {
		return nil, badRequest("the body is no JSON object: %s", err)
	}
	_, wanted.chat = wanted.body["messages"]
	wanted.stream, _ = wanted.body["stream"].(bool)
	wanted.model, _ = wanted.body["model"].(string)
	if wanted.model == "" {
		wanted.model = chosen.servedNames[0]
		wanted.body["model"] = wanted.model
	}
	if !slices.Contains(chosen.servedNames, wanted.model) {
		return nil, &rejection{http.StatusNotFound, "NotFoundError", fmt.Sprintf("The model `%s` does not exist.", wanted.model)}
	}
	if answers, given := wanted.integer("n"); given {
		if answers < 1 || answers > chosen.answersPerRequest {
			return nil, badRequest("n must be between 1 and %d, got %d.", chosen.answersPerRequest, answers)
		}
		wanted.answers = answers
	}
	return wanted, wanted.fit(chosen)
}

func (wanted *generation) integer(name string) (int, bool) {
	number, given := wanted.body[name].(json.Number)
	if !given {
		return 0, false
	}
	value, err := number.Int64()
	return int(value), err == nil
}

// fit limits the answer as vLLM does: to the context, to what is asked, and to the most that anybody gets. The simulator
// echoes the last message whole, whatever the limit, so the message is cut to it, or repeated up to it with `ignore_eos`.
func (wanted *generation) fit(chosen *settings) *rejection {
	prompt := wanted.promptTokens()
	limit := chosen.contextTokens - prompt
	if limit <= 0 {
		return badRequest("This model's maximum context length is %d tokens. However, your prompt contains %d input tokens, which exceeds this limit "+
			"even without any output tokens. Please reduce the length of the input prompt.", chosen.contextTokens, prompt)
	}
	for _, name := range []string{"max_tokens", "max_completion_tokens"} {
		asked, given := wanted.integer(name)
		if given && asked < 1 {
			return badRequest("%s must be at least 1, got %d.", name, asked)
		}
		if given && prompt+asked > chosen.contextTokens {
			return badRequest("This model's maximum context length is %d tokens. However, you requested %d output tokens and your prompt contains %d "+
				"input tokens, for a total of %d tokens. Please reduce the length of the input prompt or the number of requested output tokens.",
				chosen.contextTokens, asked, prompt, prompt+asked)
		}
		if given {
			limit = min(limit, asked)
		}
	}
	if chosen.answerTokens > 0 {
		limit = min(limit, chosen.answerTokens)
	}
	pieces := piece.FindAllString(wanted.echoed(), -1)
	whole, _ := wanted.body["ignore_eos"].(bool)
	switch {
	case len(pieces) > limit:
		wanted.echo(strings.Join(pieces[:limit], ""))
	case whole && len(pieces) > 0:
		wanted.echo(repeated(pieces, limit))
	}
	delete(wanted.body, "max_completion_tokens")
	wanted.body["max_tokens"] = limit
	return nil
}

func repeated(pieces []string, count int) string {
	text := strings.Builder{}
	for i := range count {
		text.WriteString(strings.TrimSpace(pieces[i%len(pieces)]) + " ")
	}
	return text.String()
}

func (wanted *generation) promptTokens() int {
	if !wanted.chat {
		return len(piece.FindAllStringIndex(wanted.echoed(), -1))
	}
	count := 0
	messages, _ := wanted.body["messages"].([]any)
	for _, message := range messages {
		object, _ := message.(map[string]any)
		count += len(piece.FindAllStringIndex(textOf(object["content"]), -1))
	}
	return count
}

func (wanted *generation) echoed() string {
	if !wanted.chat {
		return textOf(wanted.body["prompt"])
	}
	return textOf(wanted.lastMessage()["content"])
}

func (wanted *generation) echo(text string) {
	if !wanted.chat {
		wanted.body["prompt"] = text
	} else if message := wanted.lastMessage(); message != nil {
		message["content"] = text
	}
}

func (wanted *generation) lastMessage() map[string]any {
	messages, _ := wanted.body["messages"].([]any)
	if len(messages) == 0 {
		return nil
	}
	message, _ := messages[len(messages)-1].(map[string]any)
	return message
}

// textOf is the text of a message, which is a string or a list of parts.
func textOf(content any) string {
	if text, plain := content.(string); plain {
		return text
	}
	parts, _ := content.([]any)
	texts := []string{}
	for _, part := range parts {
		object, _ := part.(map[string]any)
		if text, there := object["text"].(string); there {
			texts = append(texts, text)
		}
	}
	return strings.Join(texts, "\n")
}
