package main

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httputil"
	"strings"
	"time"
)

const (
	// vLLM has no bound of its own; this one keeps the simulator's container small.
	largestBody = 32 << 20

	pooledConnections = 1024
)

// guarded are the paths that need a key, those below them included.
var guarded = []string{"/v1", "/v2", "/inference", "/cohere"}

// notServed exist in vLLM: a client that gets 404 for them would believe that vLLM lacks them.
var notServed = []string{"/v1/responses", "/v1/messages", "/v1/decisions", "/tokenize", "/detokenize", "/generative_scoring"}

// server is vLLM's HTTP surface in front of the simulator of answers.
type server struct {
	settings *settings
	version  string
	gate     *admission
	stuck    *hang
	engine   *child
	proxy    *httputil.ReverseProxy
	created  int64
}

func newServer(chosen *settings, version string, stuck *hang, engine *child) *server {
	made := &server{settings: chosen, version: version, gate: &admission{limit: chosen.queueLimit}, stuck: stuck, engine: engine, created: time.Now().Unix()}
	made.proxy = &httputil.ReverseProxy{
		Rewrite:       func(request *httputil.ProxyRequest) { request.SetURL(engine.url) },
		FlushInterval: -1, // a token that waits in a buffer is a token that is late
		Transport:     &http.Transport{MaxIdleConns: pooledConnections, MaxIdleConnsPerHost: pooledConnections, DisableCompression: true},
		ErrorHandler: func(to http.ResponseWriter, request *http.Request, err error) {
			if request.Context().Err() == nil {
				writeRejection(to, &rejection{http.StatusInternalServerError, "InternalServerError", "EngineCore encountered an issue: " + err.Error()})
			}
		},
	}
	return made
}

func (made *server) ServeHTTP(to http.ResponseWriter, request *http.Request) {
	if made.stuck.wait(request.Context()) != nil {
		return
	}
	to = haltingWriter{to, made.stuck, request.Context()}
	path := request.URL.Path
	if needsKey(path) && request.Method != http.MethodOptions && !made.authorised(request.Header.Get("Authorization")) {
		writeJSON(to, http.StatusUnauthorized, map[string]string{"error": "Unauthorized"})
		return
	}
	switch path {
	case "/health", "/ping":
		if made.engine.dead() {
			to.WriteHeader(http.StatusServiceUnavailable)
		}
	case "/version":
		writeJSON(to, http.StatusOK, map[string]string{"version": made.version})
	case "/load": // what vLLM says unless it is told to count
		writeJSON(to, http.StatusOK, map[string]int{"server_load": 0})
	case "/metrics":
		made.proxy.ServeHTTP(to, request)
	case "/v1/models":
		writeJSON(to, http.StatusOK, map[string]any{"object": "list", "data": made.models()})
	case "/v1/chat/completions", "/v1/completions", "/invocations":
		made.generate(to, request)
	default:
		made.unknown(to, path)
	}
}

func (made *server) unknown(to http.ResponseWriter, path string) {
	for _, known := range notServed {
		if path == known {
			writeRejection(to, &rejection{http.StatusNotImplemented, "NotImplementedError", path + " is not simulated"})
			return
		}
	}
	writeJSON(to, http.StatusNotFound, map[string]string{"detail": "Not Found"})
}

func (made *server) models() []map[string]any {
	models := []map[string]any{}
	for _, name := range made.settings.servedNames {
		models = append(models, map[string]any{
			"id": name, "object": "model", "created": made.created, "owned_by": "vllm",
			"root": made.settings.model, "parent": nil, "max_model_len": made.settings.contextTokens,
		})
	}
	return models
}

func (made *server) generate(to http.ResponseWriter, request *http.Request) {
	if request.Method != http.MethodPost {
		writeJSON(to, http.StatusMethodNotAllowed, map[string]string{"detail": "Method Not Allowed"})
		return
	}
	text, err := io.ReadAll(http.MaxBytesReader(to, request.Body, largestBody))
	if err != nil {
		status := http.StatusBadRequest
		if errors.As(err, new(*http.MaxBytesError)) {
			status = http.StatusRequestEntityTooLarge
		}
		writeRejection(to, &rejection{status, "BadRequestError", err.Error()})
		return
	}
	wanted, refused := readGeneration(text, made.settings)
	if refused != nil {
		writeRejection(to, refused)
		return
	}
	switch made.gate.enter(wanted.answers) {
	case queueFull:
		writeRejection(to, &rejection{http.StatusServiceUnavailable, "Service Unavailable",
			"The engine is currently busy and cannot accept new requests. Please try again later or on a different instance."})
	case aborted:
		writeAbort(to, wanted)
	default:
		defer made.gate.leave(wanted.answers)
		made.forward(to, request, wanted)
	}
}

func (made *server) forward(to http.ResponseWriter, request *http.Request, wanted *generation) {
	text, err := json.Marshal(wanted.body)
	if err != nil {
		writeRejection(to, badRequest("%s", err))
		return
	}
	request.URL.Path = "/v1/completions"
	if wanted.chat {
		request.URL.Path = "/v1/chat/completions"
	}
	request.ContentLength = int64(len(text))
	request.Body = io.NopCloser(bytes.NewReader(text))
	// A pooled connection may just have been closed; the transport can repeat what was never read.
	request.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(text)), nil }
	made.proxy.ServeHTTP(to, request)
}

func needsKey(path string) bool {
	for _, prefix := range guarded {
		if strings.HasPrefix(path, prefix) {
			return true
		}
	}
	return false
}

func (made *server) authorised(header string) bool {
	if len(made.settings.apiKeys) == 0 {
		return true
	}
	scheme, token, _ := strings.Cut(header, " ")
	given, found := sha256.Sum256([]byte(token)), 0
	for _, key := range made.settings.apiKeys {
		known := sha256.Sum256([]byte(key))
		found |= subtle.ConstantTimeCompare(given[:], known[:])
	}
	return found == 1 && strings.EqualFold(scheme, "bearer")
}
