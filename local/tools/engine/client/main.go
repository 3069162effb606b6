// The client: one question, continuous load, or a connection tried, as a caller without retries sees it. Each command prints
// one JSON document, and its exit status is 0 where everything was answered, 1 where anything was not, 2 for wrong input.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strings"
)

const usage = `usage: client COMMAND [FLAGS]; client COMMAND --help names them
  chat     one chat completion
  load     continuous chat completions until a condition holds
  listen   answer any connection or datagram
  connect  try a connection or a datagram`

// tool is a command: it returns what to print, and whether everything went well.
type tool func(flags *flag.FlagSet, line []string) (any, bool, error)

func main() {
	tools := map[string]tool{"chat": chat, "load": load, "listen": listen, "connect": connect}
	if len(os.Args) < 2 || tools[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, usage)
		os.Exit(2)
	}
	printed, well, err := tools[os.Args[1]](flag.NewFlagSet("client "+os.Args[1], flag.ExitOnError), os.Args[2:])
	if err == nil {
		err = json.NewEncoder(os.Stdout).Encode(printed)
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "client %s: %s\n", os.Args[1], err)
		os.Exit(2)
	}
	if !well {
		os.Exit(1)
	}
}

// parse reads flags and refuses words that belong to none.
func parse(flags *flag.FlagSet, line []string, required ...string) error {
	if err := flags.Parse(line); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	for _, name := range required {
		if text := flags.Lookup(name).Value.String(); text == "" || text == "0" || text == "[]" {
			return fmt.Errorf("--%s is missing", name)
		}
	}
	return nil
}

// keyFrom is the text of a file without the line's end; no file, no key.
func keyFrom(file string) (string, error) {
	if file == "" {
		return "", nil
	}
	text, err := os.ReadFile(file)
	return strings.TrimSpace(string(text)), err
}
