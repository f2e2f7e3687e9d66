package plugin

import (
	"context"
	"errors"
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
)

// Codes explains the codes that the boundary itself emits.
func Codes() []providers.Code {
	return []providers.Code{
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
		out.Kind, out.Code, out.Op, out.Subject = e.Kind.String(), e.Code, e.Op, e.Subject
		out.RetryAfterNs, out.WholeEndpoint, out.Response = int64(e.RetryAfter), e.WholeEndpoint, e.Response
		if e.Err != nil {
			out.Cause = e.Err.Error()
		}
		return out
	}
	out.Settings = settingErrors(err)
	out.Cause = err.Error()
	return out
}

// settingErrors finds every setting error in a tree of joined errors.
func settingErrors(err error) []*pb.SettingError {
	switch e := err.(type) {
	case *providers.SettingError:
		return []*pb.SettingError{{Path: e.Path, Summary: e.Summary, Fix: e.Fix}}
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

// asStatus makes an error the outcome of a call.
func asStatus(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, context.Canceled):
		return status.FromContextError(context.Canceled).Err()
	case errors.Is(err, context.DeadlineExceeded):
		return status.FromContextError(context.DeadlineExceeded).Err()
	}
	s, detailed := status.New(codes.Aborted, "provider error").WithDetails(toError(err))
	if detailed != nil {
		return status.Error(codes.Aborted, err.Error())
	}
	return s.Err()
}

// fromStatus is what a call that ended with err means to the caller: the
// verdict of the provider, or that its process is gone.
func fromStatus(ctx context.Context, op string, err error) error {
	if err == nil {
		return nil
	}
	if cause := ctx.Err(); cause != nil {
		return cause
	}
	s, ok := status.FromError(err)
	if !ok {
		return &providers.Error{Kind: providers.Transient, Code: codeLost, Op: op, Err: err}
	}
	for _, detail := range s.Details() {
		if e, ok := detail.(*pb.Error); ok {
			return fromError(e)
		}
	}
	switch s.Code() {
	case codes.Unavailable, codes.Canceled, codes.Internal:
		return &providers.Error{Kind: providers.Transient, Code: codeLost, Op: op, Err: errors.New(s.Message())}
	case codes.DeadlineExceeded:
		return context.DeadlineExceeded
	}
	return &providers.Error{Kind: providers.Other, Code: codeProtocol, Op: op, Err: errors.New(s.Message())}
}
