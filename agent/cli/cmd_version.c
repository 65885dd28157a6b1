/* cmd_version.c - `reeve version`: which version this is, and with --libraries what it is linked with.
 *
 * REEVE_PACKAGES comes from the Makefile: "openssl=3.0.17-1~deb12u2,zlib=..." names the source packages of a release, whose
 * version tells the security fixes that are in it. In a development build it is empty: the libraries are the machine's. */
#include <curl/curl.h>
#include <expat.h>
#include <gnu/libc-version.h>
#ifdef REEVE_ISAL
#include <isa-l.h>
#endif
#include <jansson.h>
#include <llhttp.h>
#include <openssl/crypto.h>
#include <protobuf-c/protobuf-c.h>
#include <string.h>
#include <uv.h>
#include <yaml.h>
#include <zlib.h>
#include <zstd.h>

#include "agent/base/mem.h"
#include "agent/base/pattern.h"
#include "agent/base/str.h"
#include "agent/cli/cli.h"
#include "agent/cli/page.h"

#define TEXT_MAX 4096
#define NUMBER(n) NUMBER_TEXT(n)
#define NUMBER_TEXT(n) #n
#define LLHTTP_VERSION NUMBER(LLHTTP_VERSION_MAJOR) "." NUMBER(LLHTTP_VERSION_MINOR) "." NUMBER(LLHTTP_VERSION_PATCH)
#define ISAL_VERSION_TEXT NUMBER(ISAL_MAJOR_VERSION) "." NUMBER(ISAL_MINOR_VERSION) "." NUMBER(ISAL_PATCH_VERSION)

/* "3.0.17-1~deb12u2" of the packages; "" when they do not name it. */
static const char *package_of(const char *source, char *ret, size_t size)
{
	size_t len = strlen(source);

	*ret = '\0';
	for (const char *at = REEVE_PACKAGES; *at != '\0'; at += strspn(at, ",")) {
		size_t word = strcspn(at, ",");

		if (word > len && word - len <= size && strncmp(at, source, len) == 0 && at[len] == '=') {
			memcpy(ret, at + len + 1, word - len - 1);
			ret[word - len - 1] = '\0';
		}
		at += word;
	}
	return ret;
}

static void add_library(struct buf *to, const char *name, const char *source, const char *version)
{
	char package[64];

	package_of(source, package, sizeof(package));
	/* PCRE2 puts a date behind its version: only the first word is shown. */
	buf_addf(to, "  %-10s %-9.*s %s%s%s\n", name, (int)strcspn(version, " "), version,
		 *package != '\0' ? source : "the machine's", *package != '\0' ? " " : "", package);
}

static void add_libraries(struct buf *to)
{
	char pcre[64] = "?";

	pcre2_config(PCRE2_CONFIG_VERSION, pcre);
	add_library(to, "curl", "curl", curl_version_info(CURLVERSION_NOW)->version);
	/* Expat's text begins with its own name. */
	add_library(to, "expat", "expat", XML_ExpatVersion() + strlen("expat_"));
#ifdef REEVE_ISAL
	add_library(to, "ISA-L", "libisal", ISAL_VERSION_TEXT);
#endif
	add_library(to, "jansson", "jansson", jansson_version_str());
	add_library(to, "libuv", "libuv1", uv_version_string());
	add_library(to, "libyaml", "libyaml", yaml_get_version_string());
	/* Debian's node-llhttp comes from the source package of undici, and advisories name the source. */
	add_library(to, "llhttp", "node-undici", LLHTTP_VERSION);
	add_library(to, "OpenSSL", "openssl", OpenSSL_version(OPENSSL_VERSION_STRING));
	add_library(to, "PCRE2", "pcre2", pcre);
	add_library(to, "protobuf-c", "protobuf-c", protobuf_c_version());
	add_library(to, "zlib", "zlib", zlibVersion());
	add_library(to, "zstd", "libzstd", ZSTD_versionString());
	add_library(to, "glibc", "glibc", gnu_get_libc_version());
}

static int version(int argc, char **argv)
{
	CLEANUP(buf_close) struct buf text = BUF_MAX(TEXT_MAX);
	bool wants_libraries = cli_take_flag(&argc, argv, "--libraries");

	if (cli_no_more(argc, argv, 0) != 0)
		return 2;
	buf_adds(&text, "reeve " REEVE_VERSION "\n");
	if (wants_libraries)
		add_libraries(&text);
	page_text(buf_str(&text));
	return 0;
}

const struct cli_command cli_version = {
	.name = "version",
	.about = "which version this is",
	.usage = "[--libraries]",
	.page = "  --libraries  each library in it with its version; of a release also the source package of Debian that\n"
		"               it was built from, by which an advisory names what is mended\n"
		"\n"
		"exit status\n"
		"  0  told\n"
		"  2  it was asked wrongly\n"
		"\n"
		"examples\n"
		"  reeve version\n"
		"  reeve version --libraries | grep OpenSSL\n",
	.run = version,
};
