package plugin

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/cutover-mail/cutover/providers"
)

// cross takes an error to the other side and back as the outcome of a call.
func cross(err error) error { return fromStatus(context.Background(), "op", asStatus(err)) }

func TestVerdictsCrossIntact(t *testing.T) {
	for kind := providers.Other; kind <= providers.Unsupported; kind++ {
		sent := &providers.Error{
			Kind: kind, Code: "acme-code", Op: "append", Subject: "INBOX", RetryAfter: 1234567 * time.Microsecond,
			WholeEndpoint: true, Response: "NO [OVERQUOTA] full", Err: errors.New("cause"),
		}
		for way, got := range map[string]error{"of a call": cross(sent), "of an item": fromError(toError(sent))} {
			e, ok := errors.AsType[*providers.Error](got)
			if !ok || e.Error() != sent.Error() {
				t.Fatalf("%s: %v became %v", way, sent, got)
			}
			if diff := cmp.Diff(sent, e, cmpopts.IgnoreFields(providers.Error{}, "Err")); diff != "" {
				t.Errorf("%s: %s", way, diff)
			}
		}
	}
}

// A verdict whose cause is the end of some context is a verdict all the same:
// an inner time limit does not end the caller's work.
func TestVerdictWinsOverItsCause(t *testing.T) {
	for _, cause := range []error{context.Canceled, context.DeadlineExceeded} {
		got := cross(&providers.Error{Kind: providers.Throttled, Code: "acme-slow", RetryAfter: time.Minute, Err: cause})
		if providers.KindOf(got) != providers.Throttled || providers.CodeOf(got) != "acme-slow" {
			t.Errorf("throttled because of %v became %v", cause, got)
		}
	}
}

func TestSettingErrorsCrossTogether(t *testing.T) {
	sent := []*providers.SettingError{
		{Path: []string{"auth", "mode"}, Summary: "is not known", Fix: "Use login."},
		{Path: []string{"host"}, Summary: "is missing", Fix: "Set it."},
	}
	got := cross(errors.Join(sent[0], sent[1]))
	var all []*providers.SettingError
	for _, err := range got.(interface{ Unwrap() []error }).Unwrap() {
		all = append(all, err.(*providers.SettingError))
	}
	if diff := cmp.Diff(sent, all); diff != "" {
		t.Error(diff)
	}
}

func TestServerWordsOfAnyKindCross(t *testing.T) {
	got := cross(&providers.Error{Kind: providers.Rejected, Code: "acme-no", Response: "NO gr\xfc\xdfe", Err: errors.New(strings.Repeat("<p>", 1<<20))})
	if providers.KindOf(got) != providers.Rejected || providers.CodeOf(got) != "acme-no" || !strings.Contains(got.Error(), "NO gr") {
		t.Errorf("words that are not UTF-8, with a page of text: %.200v", got)
	}
}

func TestCodesAreExplained(t *testing.T) {
	for _, code := range Codes() {
		if code.Title == "" || code.Cause == "" || code.Fix == "" {
			t.Errorf("%+v", code)
		}
	}
	if len(Codes()) != 4 {
		t.Errorf("%d codes are explained and 4 are emitted", len(Codes()))
	}
}
