package verify

import (
	"slices"
	"strings"
)

// Demand is what a token must allow beyond being valid. Make it with Role or
// Scope; no token meets the zero Demand.
type Demand struct {
	role, scope string
}

// Role demands that "roles" holds this name, byte for byte. No token meets an
// empty one.
func Role(name string) Demand { return Demand{role: name} }

// Scope demands that "scope" holds this name, byte for byte; a token without
// scope lacks every one. No token meets a name that is none (RFC 6749 section
// 3.3), such as the empty one or two names in one.
func Scope(name string) Demand {
	if !isScope(name) {
		return Demand{}
	}
	return Demand{scope: name}
}

// String names what is demanded.
func (d Demand) String() string {
	switch {
	case d.role != "":
		return "role " + d.role
	case d.scope != "":
		return "scope " + d.scope
	}
	return "what no token has"
}

func (d Demand) isZero() bool { return d == Demand{} }

func (d Demand) metBy(claims *Claims) bool {
	switch {
	case d.role != "":
		return slices.Contains(claims.Roles, d.role)
	case d.scope != "":
		for name := range strings.SplitSeq(claims.Scope, " ") {
			if name == d.scope {
				return true
			}
		}
	}
	return false
}

// isScope also keeps quotes and control characters out of the header that names
// the scope.
func isScope(name string) bool {
	for i := range len(name) {
		if c := name[i]; c <= ' ' || c >= 0x7F || c == '"' || c == '\\' {
			return false
		}
	}
	return name != ""
}

// scopesOf is the scopes demanded, as a challenge names them.
func scopesOf(demands []Demand) string {
	var names []string
	for _, d := range demands {
		if d.scope != "" {
			names = append(names, d.scope)
		}
	}
	return strings.Join(names, " ")
}
