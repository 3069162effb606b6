package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"
)

var abortedAnswers atomic.Int64

func writeJSON(to http.ResponseWriter, status int, content any) {
	text, err := json.Marshal(content)
	if err != nil {
		http.Error(to, err.Error(), http.StatusInternalServerError)
		return
	}
	to.Header().Set("Content-Type", "application/json")
	to.Header().Set("Content-Length", strconv.Itoa(len(text)))
	to.WriteHeader(status)
	// An error here means that the client has gone, and nobody is left to tell.
	_, _ = to.Write(text)
}

func writeRejection(to http.ResponseWriter, refused *rejection) {
	writeJSON(to, refused.status, map[string]any{
		"error": map[string]any{"message": refused.message, "type": refused.kind, "param": nil, "code": refused.status},
	})
}

// writeAbort answers a request that arrived during the drain as vLLM does: 200, no text, finished by an abort.
func writeAbort(to http.ResponseWriter, wanted *generation) {
	kind, choice := "text_completion", map[string]any{"index": 0, "text": "", "finish_reason": "abort", "logprobs": nil}
	if wanted.chat {
		kind = "chat.completion"
		delete(choice, "text")
		part := "message"
		if wanted.stream {
			kind, part = "chat.completion.chunk", "delta"
		}
		choice[part] = map[string]any{"role": "assistant", "content": ""}
	}
	answer := map[string]any{
		"id":      fmt.Sprintf("cmpl-aborted-%d", abortedAnswers.Add(1)),
		"object":  kind,
		"created": time.Now().Unix(),
		"model":   wanted.model,
		"choices": []any{choice},
	}
	if !wanted.stream {
		answer["usage"] = map[string]int{"prompt_tokens": wanted.promptTokens(), "completion_tokens": 0, "total_tokens": wanted.promptTokens()}
		writeJSON(to, http.StatusOK, answer)
		return
	}
	text, err := json.Marshal(answer)
	if err != nil {
		http.Error(to, err.Error(), http.StatusInternalServerError)
		return
	}
	to.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
	// An error here means that the client has gone, and nobody is left to tell.
	_, _ = fmt.Fprintf(to, "data: %s\n\ndata: [DONE]\n\n", text)
}
