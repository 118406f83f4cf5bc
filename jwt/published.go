package jwt

// published says whether everybody has the key, because a standard, a test
// suite or a well known site prints its private half. The list holds RFC 7638
// thumbprints, also of secrets; keys that are too weak for us anyway are left out.
func published(m *verifyMaterial) bool {
	switch m.thumbprint() {
	case
		"y_x3gCJnL6oKGBBIXScabduwxTVy2Wd2bzRVEUbdUzc", // RFC 7515 A.1, RFC 7517 A.3: secret
		"RtoRur_1Dir5M4wuOfqNkDYOf9O_4RJ-aHkTA75RLA8", // RFC 7520 section 3.5: secret
		"CB3RFzX-1pAtHPl7fOKnQgQV1gnrFFXGXoObwmcm4rY", // RFC 9421 B.1.5: secret
		"vv6zCFknCcsMg16Iic1Hm77I8g3m2y5G6qU7Fh-xZuI", // Wycheproof: secret
		"oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U", // RFC 7515 A.3: P-256
		"cn-I_WNMClehiVp51i_0VpOENW1upEerA8sEam5hn-s", // RFC 7517 A.1: P-256
		"_GK0r6GCoJt9zcssg9lay4obIxgCq05ntiRymRHADSU", // RFC 7518 C, Alice: P-256
		"Vy57XrArUrW0NbpI12tEzDHABxMwrTh6HHXRenSpnCo", // RFC 7518 C, Bob: P-256
		"DOvxvJiAdIqVWIkFt5hDtCunXLF0BV4-JGv4f-ALSm0", // RFC 6979 A.2.5: P-256
		"ydQXMtvbsOsZyFir-Y7A8t7fKEM1gbKPvyFkdpu4fvI", // RFC 9421 B.1.3: P-256
		"19J8y7Zprt2-QKLjF2I5pVk0OELX6cY2AfaAv1LC_w8", // jwt.io: P-256
		"jtGSXJVYuZVE0cLF8m4OWz-gvUEtc1LxRfUd7fMBarg", // Wycheproof: P-256
		"kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k", // RFC 8037 A, RFC 8032 section 7.1 test 1: Ed25519
		"FtIu-VbGrfe_KB6CH7GNwODB72MNxj_ml11dEvO-7kk", // RFC 8032 section 7.1 test 2: Ed25519
		"FVV5umTuau890q59V-4Ga_R6qWb7ON_ivJc4EjvCwTM", // RFC 8032 section 7.1 test 3: Ed25519
		"lZI1vM7tnlYapaF5-cy86ptx0tT_8Av721hhiNB5ti4", // RFC 8032 section 7.1 test 1024: Ed25519
		"iiDHHfFVNG6ICMUTsicgrWf1igtFYZEK73xlobt1ah4", // RFC 8032 section 7.1 test SHA(abc): Ed25519
		"poqkLGiymh_W0uP6PZFw-dvez3QJT5SolqXBCW38r0U": // RFC 9421 B.1.4: Ed25519
		return true
	}
	return false
}
