package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2/ext/tryfunc"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
)

// maxFile bounds what file() reads, in bytes.
const maxFile = 256 << 20

// callError is what a function of ours says, in the form of a finding.
type callError struct{ code, summary, detail, fix string }

func (e *callError) Error() string { return e.summary }

// functions are those of the cty standard library, under the names that HCL
// tools give them, with env and file. sensitive is told what env returns.
func functions(dir string, environ map[string]string, sensitive func(string)) map[string]function.Function {
	return map[string]function.Function{
		"env": envFunction(environ, sensitive), "file": fileFunction(dir),
		"can": tryfunc.CanFunc, "try": tryfunc.TryFunc,
		"tostring": stdlib.MakeToFunc(cty.String), "tonumber": stdlib.MakeToFunc(cty.Number), "tobool": stdlib.MakeToFunc(cty.Bool),
		"tolist": stdlib.MakeToFunc(cty.List(cty.DynamicPseudoType)), "toset": stdlib.MakeToFunc(cty.Set(cty.DynamicPseudoType)),
		"tomap": stdlib.MakeToFunc(cty.Map(cty.DynamicPseudoType)),
		"abs":   stdlib.AbsoluteFunc, "ceil": stdlib.CeilFunc, "floor": stdlib.FloorFunc, "max": stdlib.MaxFunc, "min": stdlib.MinFunc,
		"parseint": stdlib.ParseIntFunc, "pow": stdlib.PowFunc, "signum": stdlib.SignumFunc, "log": stdlib.LogFunc,
		"chomp": stdlib.ChompFunc, "format": stdlib.FormatFunc, "formatlist": stdlib.FormatListFunc, "indent": stdlib.IndentFunc,
		"join": stdlib.JoinFunc, "lower": stdlib.LowerFunc, "regex": stdlib.RegexFunc, "regexall": stdlib.RegexAllFunc,
		"regexreplace": stdlib.RegexReplaceFunc, "replace": stdlib.ReplaceFunc, "split": stdlib.SplitFunc,
		"strlen": stdlib.StrlenFunc, "strrev": stdlib.ReverseFunc, "substr": stdlib.SubstrFunc, "title": stdlib.TitleFunc,
		"trim": stdlib.TrimFunc, "trimprefix": stdlib.TrimPrefixFunc, "trimspace": stdlib.TrimSpaceFunc, "trimsuffix": stdlib.TrimSuffixFunc,
		"upper": stdlib.UpperFunc, "csvdecode": stdlib.CSVDecodeFunc, "jsondecode": stdlib.JSONDecodeFunc, "jsonencode": stdlib.JSONEncodeFunc,
		"chunklist": stdlib.ChunklistFunc, "coalesce": stdlib.CoalesceFunc, "coalescelist": stdlib.CoalesceListFunc,
		"compact": stdlib.CompactFunc, "concat": stdlib.ConcatFunc, "contains": stdlib.ContainsFunc, "distinct": stdlib.DistinctFunc,
		"element": stdlib.ElementFunc, "flatten": stdlib.FlattenFunc, "hasindex": stdlib.HasIndexFunc, "index": stdlib.IndexFunc,
		"keys": stdlib.KeysFunc, "length": lengthFunction(), "lookup": stdlib.LookupFunc, "merge": stdlib.MergeFunc,
		"range": stdlib.RangeFunc, "reverse": stdlib.ReverseListFunc, "setintersection": stdlib.SetIntersectionFunc,
		"setproduct": stdlib.SetProductFunc, "setsubtract": stdlib.SetSubtractFunc, "setunion": stdlib.SetUnionFunc,
		"slice": stdlib.SliceFunc, "sort": stdlib.SortFunc, "values": stdlib.ValuesFunc, "zipmap": stdlib.ZipmapFunc,
		"formatdate": stdlib.FormatDateFunc, "timeadd": stdlib.TimeAddFunc,
	}
}

// envFunction reads a variable of the environment. What it returns counts as
// sensitive.
func envFunction(environ map[string]string, sensitive func(string)) function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "name", Type: cty.String}},
		Type:   function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			name := args[0].AsString()
			value, ok := environ[name]
			if !ok {
				return cty.UnknownVal(cty.String), &callError{code: codeEnv,
					summary: fmt.Sprintf("the environment variable %s is not set", name),
					fix:     fmt.Sprintf("set it before cutover starts: export %s=...", name)}
			}
			sensitive(value)
			return cty.StringVal(value).Mark(mark("env." + name)), nil
		},
	})
}

// fileFunction reads a UTF-8 file; relative paths start in dir.
func fileFunction(dir string) function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "path", Type: cty.String}},
		Type:   function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			text, err := readFile(dir, args[0].AsString())
			if err != nil {
				return cty.UnknownVal(cty.String), err
			}
			return cty.StringVal(text), nil
		},
	})
}

func readFile(dir, name string) (string, error) {
	path := name
	if !filepath.IsAbs(path) {
		path = filepath.Join(dir, path)
	}
	problem := &callError{code: codeFile, fix: "correct the path, which starts in the folder of the configuration"}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		problem.summary = fmt.Sprintf("there is no file %q", name)
		return "", problem
	case err == nil && !info.Mode().IsRegular():
		problem.summary = fmt.Sprintf("%q is not a file", name)
		return "", problem
	case err == nil && info.Size() > maxFile:
		problem.summary, problem.fix = fmt.Sprintf("the file %q is larger than %d MiB", name, maxFile>>20), "split it"
		return "", problem
	}
	text, err := os.ReadFile(path)
	if err != nil {
		problem.summary, problem.fix = fmt.Sprintf("the file %q cannot be read", name), "give this user the right to read it"
		problem.detail = errors.Unwrap(err).Error()
		return "", problem
	}
	if !utf8.Valid(text) {
		problem.summary, problem.fix = fmt.Sprintf("the file %q is not UTF-8", name), "save it as UTF-8"
		return "", problem
	}
	return strings.TrimPrefix(string(text), "\uFEFF"), nil
}

// lengthFunction counts the elements of a collection, or the characters of a
// string.
func lengthFunction() function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "value", Type: cty.DynamicPseudoType, AllowDynamicType: true}},
		Type:   function.StaticReturnType(cty.Number),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			if args[0].Type() == cty.String {
				return stdlib.Strlen(args[0])
			}
			return stdlib.Length(args[0])
		},
	})
}
