package main

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

var (
	pythonInteger = regexp.MustCompile(`^\s*[+-]?\d+(_\d+)*\s*$`)
	sizeText      = regexp.MustCompile(`^(\d+(?:\.\d+)?)([kKmMgGtT])$`)
	sizeInJSON    = regexp.MustCompile(`"(?:[^"\\]|\\.)*"|\b\d+(?:\.\d+)?[kKmMgGtT]\b`)
	objectText    = regexp.MustCompile(`(?s)^\s*{.*}\s*$`)
	decimalFactor = map[string]float64{"k": 1e3, "m": 1e6, "g": 1e9, "t": 1e12}
	binaryFactor  = map[string]float64{"K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
)

// read turns a word into the value that vLLM's own conversion makes of it, as text, or says why that fails.
func (one *flag) read(text string) (string, error) {
	if one.Optional && (text == "" || text == "None") {
		return "", nil
	}
	switch {
	case one.Kind == "lowered":
		text = strings.ReplaceAll(strings.ToLower(text), "-", "_")
	case one.Kind == "text_or_none" && strings.EqualFold(text, "none"):
		return "", nil
	}
	if err := one.convertible(text); err != nil {
		return "", err
	}
	if len(one.Choices) > 0 && !slices.Contains(one.Choices, text) {
		return "", fmt.Errorf("invalid choice: '%s' (choose from '%s')", text, strings.Join(one.Choices, "', '"))
	}
	return text, nil
}

func (one *flag) convertible(text string) error {
	valid := true
	switch one.Kind {
	case "integer":
		_, err := integerOf(text)
		valid = err == nil
	case "number":
		_, err := numberOf(text)
		valid = err == nil
	case "size_or_auto", "size":
		if one.Kind == "size_or_auto" && strings.EqualFold(strings.TrimSpace(text), "auto") {
			return nil
		}
		_, err := sizeOf(text)
		valid = err == nil
	case "json":
		valid = json.Valid([]byte(text))
	case "text_or_json":
		valid = !objectText.MatchString(text) || json.Valid([]byte(text))
	case "object":
		return one.checkObject(text)
	case "lora_module":
		if text == "" || strings.Contains(text, "=") && !strings.Contains(text, ",") {
			return nil
		}
		valid = loraModule(text)
	}
	if !valid {
		return fmt.Errorf("invalid %s value: '%s'", one.Kind, text)
	}
	return nil
}

func loraModule(text string) bool {
	module := struct {
		Name, Path *string
		Base       *string `json:"base_model_name"`
		Is3D       *bool   `json:"is_3d_lora_weight"`
	}{}
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.DisallowUnknownFields()
	return decoder.Decode(&module) == nil && module.Name != nil && module.Path != nil
}

// checkObject looks at the names in the object, not at what they hold.
func (one *flag) checkObject(text string) error {
	expanded := sizeInJSON.ReplaceAllStringFunc(text, func(found string) string {
		if size, err := sizeOf(found); err == nil {
			return strconv.FormatFloat(size, 'f', -1, 64)
		}
		return found
	})
	object := map[string]json.RawMessage{}
	if err := json.Unmarshal([]byte(expanded), &object); err != nil {
		return fmt.Errorf("invalid JSON: %w", err)
	}
	for key := range object {
		if !slices.Contains(one.Keys, key) {
			return fmt.Errorf("unexpected keyword argument %q; known are %s", key, strings.Join(one.Keys, ", "))
		}
	}
	return nil
}

func integerOf(text string) (float64, error) {
	if !pythonInteger.MatchString(text) {
		return 0, fmt.Errorf("%q is no integer", text)
	}
	return strconv.ParseFloat(strings.ReplaceAll(strings.TrimSpace(text), "_", ""), 64)
}

func numberOf(text string) (float64, error) {
	return strconv.ParseFloat(strings.TrimSpace(text), 64)
}

// sizeOf reads 4096, 8k (8,000) and 8K (8,192); a binary suffix takes no decimals.
func sizeOf(text string) (float64, error) {
	text = strings.TrimSpace(text)
	found := sizeText.FindStringSubmatch(text)
	if found == nil {
		return integerOf(text)
	}
	number, err := strconv.ParseFloat(found[1], 64)
	if err != nil {
		return 0, err
	}
	if factor, decimal := decimalFactor[found[2]]; decimal {
		return number * factor, nil
	}
	if strings.Contains(found[1], ".") {
		return 0, fmt.Errorf("decimals are not allowed with binary suffixes like %s: use %s%s", found[2], found[1], strings.ToLower(found[2]))
	}
	return number * binaryFactor[found[2]], nil
}

// value is the number that a word of this flag means; false where it is no number.
func (one *flag) value(text string) (float64, bool) {
	reader, numeric := map[string]func(string) (float64, error){
		"integer": integerOf, "number": numberOf, "size": sizeOf, "size_or_auto": sizeOf,
	}[one.Kind]
	if !numeric {
		return 0, false
	}
	number, err := reader(text)
	return number, err == nil
}
