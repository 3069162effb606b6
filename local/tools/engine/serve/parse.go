package main

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

var negativeNumber = regexp.MustCompile(`^-\d+$|^-\d*\.\d+$`)

// arguments is a parsed command line. values is by destination: the words given last, or "true" and "false" of a switch.
type arguments struct {
	model  string
	values map[string][]string
}

func (given *arguments) one(destination string) (string, bool) {
	words := given.values[destination]
	if len(words) == 0 {
		return "", false
	}
	return words[0], true
}

func (given *arguments) on(destination string) bool {
	word, _ := given.one(destination)
	return word == "true"
}

// word is one element of the line as Python's argparse sees it.
type word struct {
	text     string
	option   bool
	flag     *flag // nil for an option that no flag begins with
	name     string
	explicit *string
}

// parse does what Python's argparse does with the table's flags and one optional positional argument, abbreviations included.
func (known *table) parse(line []string) (*arguments, error) {
	words := make([]word, len(line))
	for i, text := range line {
		classified, err := known.classify(text)
		if err != nil {
			return nil, err
		}
		words[i] = classified
	}
	given, extras := &arguments{values: map[string][]string{}}, []string{}
	for i := 0; i < len(words); {
		switch one := words[i]; {
		case !one.option && given.model == "":
			given.model = one.text
			i++
		case !one.option || one.flag == nil:
			extras = append(extras, one.text)
			i++
		default:
			used, err := given.take(one, words[i+1:])
			if err != nil {
				return nil, err
			}
			i += 1 + used
		}
	}
	if len(extras) > 0 {
		return nil, refusal{2, "vllm: error: unrecognized arguments: " + strings.Join(extras, " ")}
	}
	return given, nil
}

func (known *table) classify(text string) (word, error) {
	if !strings.HasPrefix(text, "-") || text == "-" {
		return word{text: text}, nil
	}
	if one, exact := known.byName[text]; exact {
		return word{text: text, option: true, flag: one, name: text}, nil
	}
	name, value, valued := strings.Cut(text, "=")
	if one, exact := known.byName[name]; exact && valued {
		return word{text: text, option: true, flag: one, name: name, explicit: &value}, nil
	}
	switch found := known.abbreviated(text); {
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1:
		names := make([]string, len(found))
		for i, one := range found {
			names[i] = one.name
		}
		return word{}, fromParser("ambiguous option: %s could match %s", text, strings.Join(names, ", "))
	case negativeNumber.MatchString(text) || strings.Contains(text, " "):
		return word{text: text}, nil
	}
	return word{text: text, option: true}, nil
}

// abbreviated lists the flags that this text may stand for; `-q8` is `-q` with the value 8.
func (known *table) abbreviated(text string) []word {
	prefix, explicit := text, (*string)(nil)
	if name, value, valued := strings.Cut(text, "="); valued && strings.HasPrefix(text, "--") {
		prefix, explicit = name, &value
	}
	found := []word{}
	for _, one := range known.Flags {
		for _, name := range one.Names {
			if len(text) > 2 && text[1] != '-' && name == text[:2] {
				rest := text[2:]
				found = append(found, word{text: text, option: true, flag: one, name: name, explicit: &rest})
			} else if strings.HasPrefix(name, prefix) {
				found = append(found, word{text: text, option: true, flag: one, name: name, explicit: explicit})
			}
		}
	}
	return found
}

// take gives a flag its words and returns how many of those behind it these are.
func (given *arguments) take(one word, behind []word) (int, error) {
	display := strings.Join(one.flag.Names, "/")
	values, used := []string{}, 0
	if one.explicit != nil {
		if one.flag.Arguments == "none" {
			return 0, fromParser("argument %s: ignored explicit argument '%s'", display, *one.explicit)
		}
		values = append(values, *one.explicit)
	} else {
		free := slices.IndexFunc(behind, func(next word) bool { return next.option })
		if free < 0 {
			free = len(behind)
		}
		most := map[string]int{"none": 0, "one": 1, "maybe": 1, "many": len(behind)}[one.flag.Arguments]
		used = min(free, most)
		for _, next := range behind[:used] {
			values = append(values, next.text)
		}
	}
	switch {
	case one.flag.Destination == "help":
		return 0, refusal{0, "usage: vllm serve [model_tag] [options]; the options are those of vLLM, whose documentation explains them"}
	case one.flag.Arguments == "none":
		values = []string{fmt.Sprint(!slices.Contains(one.flag.Off, one.name))}
	case one.flag.Arguments == "one" && len(values) == 0:
		return 0, fromParser("argument %s: expected one argument", display)
	case one.flag.Arguments == "many" && len(values) == 0:
		return 0, fromParser("argument %s: expected at least one argument", display)
	}
	if one.flag.Arguments != "none" {
		for i, value := range values {
			read, err := one.flag.read(value)
			if err != nil {
				return 0, fromParser("argument %s: %s", display, err)
			}
			values[i] = read
		}
	}
	given.values[one.flag.Destination] = values
	return used, nil
}
