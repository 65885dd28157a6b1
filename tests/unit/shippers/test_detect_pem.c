/* test_detect_pem.c - private keys in PEM, whole, cut, in one line and in many. */
#include "tests/unit/shippers/detecting.h"

/* clang-format off */
static const char *const found[] = {
	"→-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA\nabc+/=\n-----END RSA PRIVATE KEY-----←",
	"→-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----←\nand on",
	"→-----BEGIN EC PRIVATE KEY-----\nMHcC\n-----END EC PRIVATE KEY-----←",
	"→-----BEGIN OPENSSH PRIVATE KEY-----\nb3Bl\n-----END OPENSSH PRIVATE KEY-----←",
	"→-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIF\n-----END ENCRYPTED PRIVATE KEY-----←",
	"→-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nlQOY\n-----END PGP PRIVATE KEY BLOCK-----←",
	"→-----BEGIN DSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES\n\nMIIB\n-----END DSA PRIVATE KEY-----←",
	"{\"key\":\"→-----BEGIN PRIVATE KEY-----\\nMIIE\\n-----END PRIVATE KEY-----←\\n\",\"n\":1}",
	"2026-03-01 12:00:00,1 WARN (main|1) [Tls.load():9] bad key →-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----←\n\tat A.b(A.java:1)",
	"I0301 12:00:00.123456 17 tls.cpp:90] →-----BEGIN PRIVATE KEY-----\nMIIEpAIB cut off here←",
	"→MIIEpAIBAAKCAQEA\nabc=\n-----END RSA PRIVATE KEY-----← the beginning was elsewhere",
	"one →-----BEGIN PRIVATE KEY-----\na\n-----END PRIVATE KEY-----← two →-----BEGIN PRIVATE KEY-----\nb\n-----END PRIVATE KEY-----←.",
	"x: →-----BEGIN PRIVATE KEY-----←",
	"→-----BEGIN PRIVATE KEY----- MIIE -----END PRIVATE KEY-----← in one line",
	"----------→-----BEGIN PRIVATE KEY-----\na\n-----END PRIVATE KEY-----←",
	"键 →-----BEGIN PRIVATE KEY-----\na\n-----END PRIVATE KEY-----← 好",
};

static const char *const left[] = {
	"",
	"-----BEGIN CERTIFICATE-----\nMIID\n-----END CERTIFICATE-----",
	"-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----",
	"-----BEGIN RSA PUBLIC KEY-----",
	"-----BEGIN DH PARAMETERS-----",
	"-----BEGIN CERTIFICATE REQUEST-----",
	"-----BEGIN SSH SIGNATURE-----",
	"BEGIN PRIVATE KEY",
	"---- BEGIN SSH2 PRIVATE KEY ----",
	"-----BEGIN private key-----",
	"-----------------------------------------------",
	"----- END OF REPORT -----",
	"-----END CERTIFICATE-----",
	"BEGIN; UPDATE t SET a = 1; END",
	"the PRIVATE KEY is in /etc/ssl/key.pem",
	"-----BEGIN THE VERY LONG STORY OF WHAT IS NO LABEL OF ANY KIND AND GOES ON AND ON PRIVATE KEY-----",
};
/* clang-format on */

static void private_keys_are_found_from_begin_to_end(void **state)
{
	(void)state;
	detecting_all(TELEMETRY_PRIVATE_KEYS, found, ARRAY_LEN(found));
}

static void certificates_and_public_keys_are_left(void **state)
{
	(void)state;
	detecting_all(TELEMETRY_PRIVATE_KEYS, left, ARRAY_LEN(left));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(private_keys_are_found_from_begin_to_end),
		cmocka_unit_test(certificates_and_public_keys_are_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
