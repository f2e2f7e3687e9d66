package config

import (
	"encoding/json"

	"github.com/zclconf/go-cty/cty"
)

// hidden is a leaf of a tree of settings that may not be shown, with the name
// that stands for it.
type hidden struct {
	value any
	name  string
}

// scalar turns a known, unmarked value into a leaf: a string, a bool, a
// number, or a list of strings.
func scalar(value cty.Value) any {
	switch value.Type() {
	case cty.String:
		return value.AsString()
	case cty.Bool:
		return value.True()
	case cty.Number:
		return json.Number(value.AsBigFloat().Text('g', -1))
	}
	list := []any{}
	for it := value.ElementIterator(); it.Next(); {
		_, element := it.Element()
		list = append(list, scalar(element))
	}
	return list
}

// plain returns the tree with secrets in it.
func plain(tree any) any {
	return walk(tree, func(h hidden) any { return h.value })
}

// masked returns the tree with the names of secrets in their place.
func masked(tree any) any {
	return walk(tree, func(h hidden) any { return map[string]any{"secret": h.name} })
}

func walk(tree any, leaf func(hidden) any) any {
	switch t := tree.(type) {
	case hidden:
		return leaf(t)
	case map[string]any:
		out := make(map[string]any, len(t))
		for name, value := range t {
			out[name] = walk(value, leaf)
		}
		return out
	case []any:
		out := make([]any, len(t))
		for i, value := range t {
			out[i] = walk(value, leaf)
		}
		return out
	}
	return tree
}
