package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"strings"
	"time"
)

// Why a request failed. A complete answer is one that ended by itself with any finish reason but "abort".
const (
	failedConnect = "connect"
	failedReset   = "reset"
	failedStatus  = "status"
	failedShort   = "short_stream"
	failedAbort   = "abort"
	failedTimeout = "timeout"
)

const (
	errorExcerptBytes = 300
	longestEvent      = 1 << 20
)

// target is a server and the model to ask there.
type target struct{ url, model string }

// question is what is asked. tokens: the exact length of the answer where the engine knows `ignore_eos`; 0 leaves it open.
type question struct {
	text   string
	tokens int
	stream bool
	key    string
}

// outcome is what came of one request; reason is empty for a complete answer.
type outcome struct {
	began         time.Time
	reason        string
	detail        string
	status        int
	remote        string
	text          string
	first, whole  time.Duration
	connected     bool
	finish        string
	contentEvents int
}

func newClient(keepAlive bool, timeout time.Duration) *http.Client {
	return &http.Client{
		Timeout:       timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport:     &http.Transport{DisableKeepAlives: !keepAlive, DisableCompression: true, MaxConnsPerHost: 1},
	}
}

// ask sends one chat completion and reads its answer to the end.
func ask(context context.Context, client *http.Client, at target, wanted question) outcome {
	result := outcome{began: time.Now()}
	trace := &httptrace.ClientTrace{GotConn: func(got httptrace.GotConnInfo) {
		result.connected, result.remote = true, got.Conn.RemoteAddr().String()
	}}
	request, err := newRequest(httptrace.WithClientTrace(context, trace), at, wanted)
	if err != nil {
		return result.failed(failedConnect, err)
	}
	answer, err := client.Do(request)
	if err != nil {
		if !result.connected {
			return result.failed(failedConnect, err)
		}
		return result.failed(failedReset, err)
	}
	defer answer.Body.Close()
	result.status = answer.StatusCode
	if answer.StatusCode != http.StatusOK {
		// The status is the failure; how much of the explanation arrives does not change it.
		text, _ := io.ReadAll(io.LimitReader(answer.Body, errorExcerptBytes))
		return result.failed(failedStatus, fmt.Errorf("%s: %s", answer.Status, strings.TrimSpace(string(text))))
	}
	if wanted.stream {
		return result.readStream(answer.Body)
	}
	return result.readWhole(answer.Body)
}

func newRequest(context context.Context, at target, wanted question) (*http.Request, error) {
	body := map[string]any{"model": at.model, "messages": []map[string]string{{"role": "user", "content": wanted.text}}, "stream": wanted.stream}
	if wanted.tokens > 0 {
		body["max_tokens"], body["ignore_eos"] = wanted.tokens, true
	}
	text, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	// A reader of an unknown type, so that the transport cannot rewind it: it would silently repeat a request whose idle
	// connection turns out to be dead, and the failure would not be seen.
	request, err := http.NewRequestWithContext(context, http.MethodPost, strings.TrimSuffix(at.url, "/")+"/v1/chat/completions",
		struct{ io.Reader }{bytes.NewReader(text)})
	if err != nil {
		return nil, err
	}
	request.ContentLength = int64(len(text))
	request.Header.Set("Content-Type", "application/json")
	if wanted.key != "" {
		request.Header.Set("Authorization", "Bearer "+wanted.key)
	}
	return request, nil
}

func (result outcome) failed(reason string, err error) outcome {
	var slow net.Error
	if errors.As(err, &slow) && slow.Timeout() {
		reason = failedTimeout
	}
	result.reason, result.detail, result.whole = reason, err.Error(), time.Since(result.began)
	return result
}

// chunk is a whole answer or one event of a stream.
type chunk struct {
	Error   json.RawMessage
	Choices []struct {
		Message struct{ Content string }
		Delta   struct{ Content string }
		Finish  string `json:"finish_reason"`
	}
}

func (result outcome) readWhole(body io.Reader) outcome {
	text, err := io.ReadAll(body)
	if err != nil {
		return result.failed(failedReset, err)
	}
	answer := chunk{}
	if err := json.Unmarshal(text, &answer); err != nil || len(answer.Choices) == 0 {
		return result.failed(failedShort, fmt.Errorf("no answer in %.100q", text))
	}
	result.text, result.finish = answer.Choices[0].Message.Content, answer.Choices[0].Finish
	result.whole = time.Since(result.began)
	result.first = result.whole
	return result.judged()
}

func (result outcome) readStream(body io.Reader) outcome {
	text, done := strings.Builder{}, false
	lines := bufio.NewScanner(body)
	lines.Buffer(nil, longestEvent)
	for lines.Scan() {
		data, event := strings.CutPrefix(lines.Text(), "data:")
		switch data = strings.TrimSpace(data); {
		case !event: // a comment or an empty line
		case data == "[DONE]":
			done = true
		default:
			one := chunk{}
			if err := json.Unmarshal([]byte(data), &one); err != nil || len(one.Error) > 0 {
				return result.failed(failedShort, fmt.Errorf("the stream says %.200q", data))
			}
			result.take(one, &text)
		}
	}
	result.text = text.String()
	if err := lines.Err(); err != nil {
		return result.failed(failedShort, fmt.Errorf("after %d events: %w", result.contentEvents, err))
	}
	result.whole = time.Since(result.began)
	if !done {
		return result.failed(failedShort, fmt.Errorf("it ended after %d events without [DONE]", result.contentEvents))
	}
	return result.judged()
}

func (result *outcome) take(one chunk, text *strings.Builder) {
	for _, choice := range one.Choices {
		if choice.Delta.Content != "" {
			if result.contentEvents == 0 {
				result.first = time.Since(result.began)
			}
			result.contentEvents++
			text.WriteString(choice.Delta.Content)
		}
		if choice.Finish != "" {
			result.finish = choice.Finish
		}
	}
}

func (result outcome) judged() outcome {
	switch result.finish {
	case "":
		return result.failed(failedShort, errors.New("no finish_reason"))
	case "abort":
		return result.failed(failedAbort, errors.New("finish_reason abort"))
	}
	return result
}

func milliseconds(length time.Duration) float64 {
	return float64(length.Round(10*time.Microsecond)) / float64(time.Millisecond)
}
