package config

import (
	"fmt"

	"github.com/hashicorp/hcl/v2"
)

// endpoints reads from and to: a reference such as source.imap.old, or a list
// of them.
func (s *section) endpoints(name, role string, known []*Endpoint) (found []*Endpoint) {
	a := s.attributes[name]
	if a == nil {
		return nil
	}
	exprs, diags := hcl.ExprList(a.Expr)
	if diags.HasErrors() {
		exprs = []hcl.Expression{a.Expr}
	}
	if len(exprs) == 0 {
		s.invalid(name, codeMissing, fmt.Sprintf("%q is empty", name), fmt.Sprintf("name a %s: %s.imap.name", role, role))
	}
	first := map[*Endpoint]hcl.Range{}
	for _, expr := range exprs {
		e := s.endpoint(expr, role, known)
		if e == nil {
			continue
		}
		if at, ok := first[e]; ok {
			s.l.duplicate(expr.Range(), fmt.Sprintf("%s stands twice in %q", e.Address(), name), at)
			continue
		}
		first[e] = expr.Range()
		found = append(found, e)
	}
	return found
}

// endpoint resolves one reference, or reports it.
func (s *section) endpoint(expr hcl.Expression, role string, known []*Endpoint) *Endpoint {
	at := expr.Range()
	traversal, diags := hcl.AbsTraversalForExpr(expr)
	if diags.HasErrors() {
		s.l.report.error(&at, problem{code: codeReference, summary: "a reference to an endpoint is needed here",
			detail: "References are not texts, and not made by expressions.",
			fix:    fmt.Sprintf("write %s.TYPE.NAME without quotes, such as %s.imap.mail", role, role)})
		return nil
	}
	address := spell(traversal)
	var addresses []string
	for _, e := range known {
		if e.Address() == address {
			return e
		}
		addresses = append(addresses, e.Address())
	}
	p := problem{code: codeEndpoint, summary: fmt.Sprintf("there is no %s %s", role, address)}
	if root := traversal.RootName(); root != role && (root == "source" || root == "target") {
		p = problem{code: codeRole, summary: fmt.Sprintf("%s is a %s, and a %s is needed here", address, root, role)}
	}
	p.fix = suggest(address, fmt.Sprintf("declare it: %s \"TYPE\" \"NAME\" { ... }", role), addresses)
	s.l.report.error(&at, p)
	return nil
}

// spell writes a reference as it stands in the source.
func spell(traversal hcl.Traversal) string {
	text := traversal.RootName()
	for _, step := range traversal[1:] {
		if attribute, ok := step.(hcl.TraverseAttr); ok {
			text += "." + attribute.Name
		} else {
			text += "[...]"
		}
	}
	return text
}
