package plugin

import (
	"encoding/json"
	"time"

	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/providers"
	"github.com/cutover-mail/cutover/providers/plugin/pb"
)

func toTime(t time.Time) *pb.Time {
	if t.IsZero() {
		return nil
	}
	_, offset := t.Zone()
	return &pb.Time{Seconds: t.Unix(), Offset: int32(offset)}
}

func fromTime(t *pb.Time) time.Time {
	switch {
	case t == nil:
		return time.Time{}
	case t.Offset == 0:
		return time.Unix(t.Seconds, 0).UTC()
	}
	return time.Unix(t.Seconds, 0).In(time.FixedZone("", int(t.Offset)))
}

func toItem(i inventory.Item) *pb.Item {
	return &pb.Item{
		Id: string(i.ID), Version: i.Version, Class: string(i.Class), Size: i.Size,
		Flags: string(i.Flags), Received: toTime(i.Received),
	}
}

func fromItem(i *pb.Item) inventory.Item {
	return inventory.Item{
		ID: inventory.ItemID(i.GetId()), Version: i.GetVersion(), Class: inventory.Class(i.GetClass()), Size: i.GetSize(),
		Flags: inventory.Flags(i.GetFlags()), Received: fromTime(i.GetReceived()),
	}
}

func toChange(c providers.Change) *pb.Change {
	out := &pb.Change{Op: pb.Change_Op(c.Op), Cursor: string(c.Cursor), More: c.More, Full: c.Full, Reset_: c.Reset}
	if c.Op != providers.End {
		out.Item = toItem(c.Item)
	}
	return out
}

func fromChange(c *pb.Change) providers.Change {
	out := providers.Change{
		Op: providers.ChangeOp(c.Op), Cursor: inventory.Cursor(c.Cursor), More: c.More, Full: c.Full, Reset: c.Reset_,
	}
	if c.Item != nil {
		out.Item = fromItem(c.Item)
	}
	return out
}

func toPrint(p inventory.Fingerprint) *pb.Fingerprint {
	out := &pb.Fingerprint{Class: string(p.Class), Received: toTime(p.Received), Size: p.Size, Uid: p.UID}
	if !p.Loose.IsZero() {
		out.Loose = p.Loose[:]
	}
	return out
}

func fromPrint(p *pb.Fingerprint) inventory.Fingerprint {
	out := inventory.Fingerprint{Class: inventory.Class(p.Class), Received: fromTime(p.Received), Size: p.Size, UID: p.Uid}
	copy(out.Loose[:], p.Loose)
	return out
}

func toEdit(e providers.Edit) *pb.EditItem {
	return &pb.EditItem{
		Id: string(e.ID), Add: string(e.Add), Remove: string(e.Remove),
		MoveTo: string(e.MoveTo), Delete: e.Delete, Expect: string(e.Expect), Received: toTime(e.Received),
	}
}

func fromEdit(e *pb.EditItem) providers.Edit {
	return providers.Edit{
		ID: inventory.ItemID(e.Id), Add: inventory.Flags(e.Add), Remove: inventory.Flags(e.Remove),
		MoveTo: inventory.FolderID(e.MoveTo), Delete: e.Delete, Expect: inventory.Flags(e.Expect), Received: fromTime(e.GetReceived()),
	}
}

func toEdited(e providers.Edited) *pb.Edited {
	return &pb.Edited{
		Id: string(e.ID), Outcome: pb.Edited_Outcome(e.Outcome), MovedTo: string(e.MovedTo),
		Refused: string(e.Refused), Error: toError(e.Err),
	}
}

func fromEdited(e *pb.Edited) providers.Edited {
	return providers.Edited{
		ID: inventory.ItemID(e.Id), Outcome: providers.Outcome(e.Outcome), MovedTo: inventory.ItemID(e.MovedTo),
		Refused: inventory.Flags(e.Refused), Err: fromError(e.Error),
	}
}

func toCreated(c providers.Created) *pb.Created {
	out := &pb.Created{Adopted: c.Adopted}
	for _, m := range c.Missing {
		out.Missing = append(out.Missing, string(m))
	}
	return out
}

func fromCreated(c *pb.Created) providers.Created {
	out := providers.Created{Adopted: c.GetAdopted()}
	for _, m := range c.GetMissing() {
		out.Missing = append(out.Missing, inventory.Address(m))
	}
	return out
}

// document is the JSON form of a value, for messages that are read rarely.
func document(v any, err error) ([]byte, error) {
	if err != nil {
		return nil, err
	}
	return json.Marshal(v)
}

// parse is the inverse of document.
func parse[T any](data []byte, err error) (T, error) {
	var v T
	if err != nil {
		return v, err
	}
	if err := json.Unmarshal(data, &v); err != nil {
		return v, &providers.Error{Kind: providers.Other, Code: codeProtocol, Op: "read the answer of the provider", Err: err}
	}
	return v, nil
}
