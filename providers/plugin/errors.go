package plugin

import (
	"context"
	"errors"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/cutover-mail/cutover/providers"
	"github.com/cutover-mail/cutover/providers/plugin/pb"
)

const (
	codeLost     = "plugin-lost"
	codeProtocol = "plugin-protocol"
	codeStart    = "plugin-start"
	codeContent  = "plugin-content"
)

// Codes explains the codes that the boundary itself emits.
func Codes() []providers.Code {
	return []providers.Code{
		{Code: codeContent, Title: "The content of an item could not be read", Cause: "The content that was to be handed to a provider in another process failed to be read on this machine, or had another length than was told.",
			Fix: "Look at the cause: a full or failing disk under TMPDIR is likely. The item is tried again by the next run."},
		{Code: codeLost, Title: "The process of a provider ended", Cause: "The plugin process crashed, was killed, or closed its connection.",
			Fix: "Nothing has to be done for a single time: it is started again and what was in doubt is looked up. If it happens again and again, run with -debug and look at what the plugin writes."},
		{Code: codeProtocol, Title: "A provider answers what the contract does not allow", Cause: "The plugin was made for another version of the contract, or is faulty.",
			Fix: "Update the plugin, and report the fault to its authors."},
		{Code: codeStart, Title: "A provider cannot be started", Cause: "The command of the provider block does not exist, cannot be executed, or is no provider for this version.",
			Fix: "Correct command in the provider block; run the command by hand to see what it says."},
	}
}

// toError puts a verdict into its wire form; nil for nil.
func toError(err error) *pb.Error {
	if err == nil {
		return nil
	}
	out := &pb.Error{Kind: providers.Other.String()}
	if e, ok := errors.AsType[*providers.Error](err); ok {
		out.Kind, out.Code, out.Op, out.Subject = e.Kind.String(), text(e.Code), text(e.Op), text(e.Subject)
		out.RetryAfterNs, out.WholeEndpoint, out.Response = int64(e.RetryAfter), e.WholeEndpoint, text(e.Response)
		if e.Err != nil {
			out.Cause = text(e.Err.Error())
		}
		return out
	}
	out.Settings = settingErrors(err)
	out.Cause = text(err.Error())
	return out
}

// maxText bounds what crosses of one text of an error: a verdict travels in a
// header, and servers answer with whole pages.
const maxText = 16 << 10

// text is what the wire takes of a server's words: valid UTF-8.
func text(s string) string {
	if len(s) > maxText {
		s = s[:maxText]
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}

// settingErrors finds every setting error in a tree of joined errors.
func settingErrors(err error) []*pb.SettingError {
	switch e := err.(type) {
	case *providers.SettingError:
		return []*pb.SettingError{{Path: e.Path, Summary: text(e.Summary), Fix: text(e.Fix)}}
	case interface{ Unwrap() []error }:
		var all []*pb.SettingError
		for _, each := range e.Unwrap() {
			all = append(all, settingErrors(each)...)
		}
		return all
	case interface{ Unwrap() error }:
		return settingErrors(e.Unwrap())
	}
	return nil
}

// fromError is the inverse of toError.
func fromError(e *pb.Error) error {
	switch {
	case e == nil:
		return nil
	case len(e.Settings) > 0:
		var all []error
		for _, s := range e.Settings {
			all = append(all, &providers.SettingError{Path: s.Path, Summary: s.Summary, Fix: s.Fix})
		}
		return errors.Join(all...)
	}
	out := &providers.Error{
		Kind: providers.ParseKind(e.Kind), Code: e.Code, Op: e.Op, Subject: e.Subject,
		RetryAfter: time.Duration(e.RetryAfterNs), WholeEndpoint: e.WholeEndpoint, Response: e.Response,
	}
	if e.Cause != "" {
		out.Err = errors.New(e.Cause)
	}
	return out
}

// asStatus makes an error the outcome of a call. A verdict crosses as such
// whatever its cause; a plain end of the context does as that.
func asStatus(err error) error {
	_, verdict := errors.AsType[*providers.Error](err)
	_, done := status.FromError(err)
	switch {
	case err == nil || (done && !verdict):
		return err
	case !verdict && errors.Is(err, context.Canceled):
		return status.FromContextError(context.Canceled).Err()
	case !verdict && errors.Is(err, context.DeadlineExceeded):
		return status.FromContextError(context.DeadlineExceeded).Err()
	}
	s, detailed := status.New(codes.Aborted, "provider error").WithDetails(toError(err))
	if detailed != nil {
		return status.Error(codes.Aborted, text(err.Error()))
	}
	return s.Err()
}

// fromStatus is what a call that ended with err means to the caller: the
// verdict of the provider, or that its process is gone.
func fromStatus(ctx context.Context, op string, err error) error {
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		if cause, ok := errors.AsType[*providers.Error](context.Cause(ctx)); ok {
			return cause // the session was closed under the call
		}
		return ctx.Err()
	}
	s, ok := status.FromError(err)
	if !ok {
		return lost(op, err)
	}
	for _, detail := range s.Details() {
		if e, ok := detail.(*pb.Error); ok {
			return fromError(e)
		}
	}
	// What cannot be put on the wire (an ID that is not UTF-8) is a fault of the
	// provider, and no other the next time; gRPC calls that Internal too.
	unsent := s.Code() == codes.Internal && strings.Contains(s.Message(), "marshal")
	switch code := s.Code(); {
	case unsent:
	case code == codes.Unavailable, code == codes.Canceled, code == codes.Internal:
		return lost(op, errors.New(s.Message()))
	case code == codes.DeadlineExceeded:
		return context.DeadlineExceeded
	}
	return &providers.Error{Kind: providers.Other, Code: codeProtocol, Op: op, Err: errors.New(s.Message())}
}

// lost is the verdict on a call whose process, or session there, has gone.
func lost(op string, cause error) error {
	return &providers.Error{Kind: providers.Transient, Code: codeLost, Op: op, Err: cause}
}

// gone reports whether err is that of a connection to a process that has
// ended, rather than an answer.
func gone(err error) bool {
	s, ok := status.FromError(err)
	return ok && s.Code() == codes.Unavailable && len(s.Details()) == 0
}
