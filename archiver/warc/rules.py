"""The rules that files are verified by: what each says, where it is from, how bad it is to break it, what can be done.

A rule's id begins with its source: "warc-5.4-…" is section 5.4 of WARC 1.1 (ISO 28500:2017), "gzip-…" RFC 1952 and annex D of
that standard, "wacz-…" a section of the WACZ specification (1.1.1, 1.2.0), "arc-…" the ARC file format, "index-…" and "file-…" this archive.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How bad it is.

    ERROR: the standard forbids it, or what is held is not what was written. WARNING: programs are known
    to stumble over it, a recommendation is not followed, or it is forbidden, common and harmless. NOTE: worth knowing; nothing is wrong.
    """

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule.

    Attributes:
        id: short name that begins with the source.
        severity: of breaking it.
        sentence: what is wrong where it is broken.
        hint: what can be done.
    """

    id: str
    severity: Severity
    sentence: str
    hint: str


_REWRITE = "Write the record again with a program that follows the standard; the evidence in its block is not affected."
_DAMAGED = "Put back a copy of the file from before the damage; nothing can restore it from what is here."
_E, _W, _N = Severity.ERROR, Severity.WARNING, Severity.NOTE

_TABLE = (
    # -- the record and its header
    ("warc-4-version", _E, "The record does not begin with a known version line.", "Versions are WARC/1.0 and WARC/1.1."),
    ("warc-4-draft", _W, "The record is of a draft of the standard (before WARC/1.0).", "It is read; convert it when your programs do not read it."),
    ("warc-4-line-end", _E, "A line of the record header does not end with CR LF.", _REWRITE),
    ("warc-4-field", _E, "A line of the record header is no header field.", _REWRITE),
    ("warc-4-name", _E, "The name of a header field has characters that names cannot have.", _REWRITE),
    ("warc-4-utf8", _E, "The record header is not UTF-8.", _REWRITE),
    ("warc-4-control", _E, "A header field has control characters in its value.", _REWRITE),
    ("warc-4-folded", _W, "A header field goes on in a second line, which several readers do not understand.", _REWRITE),
    ("warc-4-encoded-word", _N, "A header field has an encoded-word (RFC 2047), which hardly any reader understands.", "UTF-8 may be written as it is."),
    ("warc-4-header-size", _E, "The record header has no end within 1 MB.", _DAMAGED),
    ("warc-4-end", _E, "The block is not followed by two empty lines and then the next record.", "Content-Length is wrong, or the writer left the lines out."),
    ("warc-4-cut", _E, "The file ends inside a record.", "The writer was stopped, or a copy is not whole: copy again, or cut the broken record off."),
    ("warc-4-no-record", _E, "There are bytes that belong to no record.", _DAMAGED),
    ("warc-4-padding", _W, "There are zero bytes between records or behind the last.", "A crash of the machine leaves them; they can be cut off."),
    ("warc-4-empty", _E, "The file holds no record.", "Remove it, or look for a whole copy."),
    ("warc-4-unsure", _E, "Checking this record failed for a reason that is not its own.", "Report it, with the record if it may be shown."),
    # -- mandatory fields, repeats
    ("warc-5.1-repeated", _E, "A header field is there more than once.", "Only WARC-Concurrent-To may be repeated."),
    ("warc-5.2-missing", _E, "The record has no WARC-Record-ID.", _REWRITE),
    ("warc-5.2-form", _E, "WARC-Record-ID is no URI in angle brackets.", "Write <urn:uuid:…>."),
    ("warc-5.2-unique", _E, "Another record of the file has the same WARC-Record-ID.", "Identifiers are globally unique: if the records are the same, one was appended twice."),
    ("warc-5.3-missing", _E, "The record has no Content-Length.", _REWRITE),
    ("warc-5.3-form", _E, "Content-Length is no number of bytes.", _REWRITE),
    ("warc-5.4-missing", _E, "The record has no WARC-Date.", _REWRITE),
    ("warc-5.4-form", _E, "WARC-Date is no UTC date of the W3C form, such as 2016-08-10T20:46:23Z.", _REWRITE),
    ("warc-5.4-version", _W, "WARC-Date has a fraction of a second or is shorter than a second, which WARC/1.0 does not know.", "Write WARC/1.1."),
    ("warc-5.4-event", _N, "Records of one event have different dates.", "All of them have the time at which the capture began."),
    ("warc-5.5-missing", _E, "The record has no WARC-Type.", _REWRITE),
    ("warc-5.5-unknown", _W, "The type of the record is none of the eight of the standard: readers skip it.", "Types are defined in extensions; hardly anything reads them."),
    ("warc-5.6-missing", _W, "The record has a block but no Content-Type.", "Readers have to guess."),
    ("warc-5.6-form", _E, "Content-Type is no media type.", _REWRITE),
    ("warc-5.6-http", _W, "The block of an http record is not called application/http with the right msgtype.", "Write application/http;msgtype=response, or msgtype=request."),
    ("warc-5.6-fields", _W, "The block of a warcinfo record is not called application/warc-fields.", "The standard recommends it, and most readers expect it."),
    # -- fields
    ("warc-5.7-form", _E, "WARC-Concurrent-To is no URI in angle brackets.", _REWRITE),
    ("warc-5.7-type", _E, "WARC-Concurrent-To is not allowed in records of this type.", "Warcinfo, conversion and continuation records belong to no capture event."),
    ("warc-5.7-self", _E, "WARC-Concurrent-To names the record itself.", _REWRITE),
    ("warc-5.7-mutual", _N, "WARC-Concurrent-To points at a record that does not point back.", "Readers take it as mutual; a reader that sees the other record alone cannot know."),
    ("warc-5.7-elsewhere", _N, "WARC-Concurrent-To points at a record that is not near in the file.", "Keep the records of an event together."),
    ("warc-5.8-form", _E, "WARC-Block-Digest is no algorithm and value.", "Write sha1: and base32, or md5: or sha256: and hexadecimal."),
    ("warc-5.8-algorithm", _W, "WARC-Block-Digest is of an algorithm that is not known here, so that it was not checked.", "Use sha1 or sha256."),
    ("warc-5.8-mismatch", _E, "The block is not what its digest says.", _DAMAGED),
    ("warc-5.8-missing", _N, "The record has no WARC-Block-Digest: nobody can tell whether it was changed.", "Let the writer add it."),
    ("warc-5.9-form", _E, "WARC-Payload-Digest is no algorithm and value.", "Write sha1: and base32, or md5: or sha256: and hexadecimal."),
    ("warc-5.9-algorithm", _W, "WARC-Payload-Digest is of an algorithm that is not known here, so that it was not checked.", "Use sha1 or sha256."),
    ("warc-5.9-type", _W, "Records of this type have no payload, so the standard allows no WARC-Payload-Digest.", "Nothing depends on it: warcio and warcprox write it in warcinfo and metadata records."),
    ("warc-5.9-mismatch", _E, "The payload is not what its digest says.", _DAMAGED),
    ("warc-5.9-chunked", _W, "The payload digest counts the chunk framing; by the standard the payload is the body without it.", "The bytes are right. jwarc, warcprox and others that follow the standard call it wrong; so do look-ups of equal payloads."),
    ("warc-5.9-other-tools", _N, "The payload digest is right by the standard, and warcio, FastWARC and warcat will call it wrong: they count the chunk framing.", "Nothing; or store the body without its framing, as the setting “chunked” does by default."),
    ("warc-5.9-unseen", _N, "The payload is chunked, but the framing is broken: the digest was compared with the bytes as stored.", "Look at the record: its server or its writer erred."),
    ("warc-5.10-form", _E, "WARC-IP-Address is no IP address.", "Write a dotted quad, or IPv6 without brackets and port."),
    ("warc-5.10-canonical", _N, "The IPv6 address is not in its canonical form (RFC 5952).", "Lower case, zeros shortened."),
    ("warc-5.10-type", _E, "WARC-IP-Address is not allowed in records of this type.", "Warcinfo, conversion and continuation records have none."),
    ("warc-5.10-missing", _N, "An http record does not say from which address it came.", "Let the writer add WARC-IP-Address."),
    ("warc-5.11-form", _E, "WARC-Refers-To is no URI in angle brackets.", _REWRITE),
    ("warc-5.11-type", _E, "WARC-Refers-To is not allowed in records of this type.", "It is for metadata, revisit and conversion records."),
    ("warc-5.12-form", _E, "WARC-Refers-To-Target-URI is no URI.", "Without angle brackets, escaped."),
    ("warc-5.12-type", _E, "WARC-Refers-To-Target-URI is only allowed in revisit records.", _REWRITE),
    ("warc-5.13-form", _E, "WARC-Refers-To-Date is no UTC date of the W3C form.", _REWRITE),
    ("warc-5.13-type", _E, "WARC-Refers-To-Date is only allowed in revisit records.", _REWRITE),
    ("warc-5.14-missing", _E, "The record has no WARC-Target-URI.", _REWRITE),
    ("warc-5.14-warcinfo", _E, "A warcinfo record has a WARC-Target-URI.", _REWRITE),
    ("warc-5.14-brackets", _W, "The target URI is in angle brackets, as the text of WARC 1.0 had it by mistake; several readers cannot look it up.", "wget writes it so; Muniment reads it."),
    ("warc-5.14-form", _E, "WARC-Target-URI is no absolute URI.", _REWRITE),
    ("warc-5.14-characters", _W, "The target URI has characters that URIs cannot have (RFC 3986).", "Browsers escape them; readers that are strict will not find it."),
    ("warc-5.14-fragment", _N, "The target URI has a fragment, which is never sent to a server.", "Fragments are left out by custom."),
    ("warc-5.14-event", _W, "Records of one event have different target URIs.", "An event is the retrieval of one URI."),
    ("warc-5.15-value", _W, "WARC-Truncated has a reason that is not in the standard.", "length, time, disconnect or unspecified."),
    ("warc-5.15-missing", _W, "The body is shorter than its Content-Length, and no WARC-Truncated says so.", "The connection broke or the writer lost bytes."),
    ("warc-5.16-form", _E, "WARC-Warcinfo-ID is no URI in angle brackets.", _REWRITE),
    ("warc-5.16-type", _E, "A warcinfo record has a WARC-Warcinfo-ID.", _REWRITE),
    ("warc-5.16-elsewhere", _N, "WARC-Warcinfo-ID names a record that is not in this file.", "Fine for records that were taken out of another file; keep that one's warcinfo record with them."),
    ("warc-5.17-type", _E, "WARC-Filename is only allowed in warcinfo records.", _REWRITE),
    ("warc-5.17-differs", _W, "The file has another name than its warcinfo record says.", "It was renamed: references to the old name will not find it."),
    ("warc-5.18-missing", _E, "A revisit record has no WARC-Profile.", _REWRITE),
    ("warc-5.18-type", _E, "WARC-Profile is only defined for revisit records.", _REWRITE),
    ("warc-5.18-unknown", _W, "The profile of the revisit is none of the standard: readers may not interpret it.", _REWRITE),
    ("warc-5.19-type", _E, "WARC-Identified-Payload-Type is not allowed in records without payload.", _REWRITE),
    ("warc-5.20-form", _E, "WARC-Segment-Number is no number from 1.", _REWRITE),
    ("warc-5.20-missing", _E, "A continuation record has no WARC-Segment-Number, or it is below 2.", _REWRITE),
    ("warc-5.21-missing", _E, "A continuation record has no WARC-Segment-Origin-ID.", _REWRITE),
    ("warc-5.21-form", _E, "WARC-Segment-Origin-ID is no URI in angle brackets.", _REWRITE),
    ("warc-5.21-type", _E, "WARC-Segment-Origin-ID is only allowed in continuation records.", _REWRITE),
    ("warc-5.22-type", _E, "WARC-Segment-Total-Length is only allowed in the last continuation record.", _REWRITE),
    ("warc-5.22-form", _E, "WARC-Segment-Total-Length is no number of bytes.", _REWRITE),
    # -- record types
    ("warc-6.2-first", _W, "The file does not begin with a warcinfo record.", "The standard recommends one: it says who captured what with which program."),
    ("warc-6.3-status", _W, "The block of a response record has no HTTP status line.", "It is kept, but replay cannot look it up."),
    ("warc-6.5-request", _W, "The block of a request record has no HTTP request line.", "Nothing depends on it but what asked for the response."),
    ("warc-6.7-digest", _E, "A revisit by payload digest has no WARC-Payload-Digest.", _REWRITE),
    ("warc-6.7-target", _W, "A revisit does not say which URL and date it repeats: replay has to search for the payload.", "Add WARC-Refers-To-Target-URI and WARC-Refers-To-Date."),
    ("warc-6.7-truncated", _N, "A revisit whose body was left out has no WARC-Truncated: length.", "The standard wants it; only few writers do it."),
    ("warc-6.7-status", _W, "A revisit of the profile server-not-modified has a block that is no answer with status 304.", _REWRITE),
    # -- segments
    ("warc-7-number", _E, "Segments of a record are not numbered 1, 2, 3 …", _DAMAGED),
    ("warc-7-total", _E, "The segments of a record together are not as long as WARC-Segment-Total-Length says.", _DAMAGED),
    ("warc-7-origin", _N, "The first segment of a record is not in this file.", "Look for it in the file before; replay needs both."),
    ("warc-7-open", _N, "The last segment of a record is not in this file.", "Look for it in the file after; replay needs both."),
    ("warc-7-uri", _E, "Segments of one record have different target URIs.", _REWRITE),
    # -- files and compression
    ("warc-8-name", _N, "The name of the file does not end with .warc or .warc.gz.", "Programs that look for WARC files will pass it over."),
    ("file-open", _W, "The file is still being written, or its writer was killed.", "A start of Muniment mends files that were left behind."),
    ("gzip-member", _W, "Several records are compressed together: none of them can be read by itself.", "Import the file: Muniment compresses the copy record by record."),
    ("gzip-broken", _E, "The compression is broken.", _DAMAGED),
    ("gzip-checksum", _E, "The compressed data are not what their checksum says.", _DAMAGED),
    ("gzip-cut", _E, "The file ends inside a compressed record.", "The writer was stopped, or a copy is not whole: copy again, or cut the broken record off."),
    ("gzip-extra", _N, "The gzip header has an extra field, which confuses some readers.", "wget writes it; the records are fine."),
    ("gzip-empty", _W, "There is a compressed member without content.", "Harmless; some readers stop there."),
    ("gzip-garbage", _E, "There are bytes between or behind the compressed records that are neither.", _DAMAGED),
    ("gzip-name", _N, "The file is compressed and not called .gz, or the other way round.", "Rename it before it is indexed."),
    ("zstd-experimental", _N, "The file is compressed with zstd, which is no part of the standard.", "Keep it as long as your programs read it."),
    ("arc-header", _E, "A record header of an ARC file cannot be read.", _DAMAGED),
    ("arc-fixity", _N, "ARC files have no digests: only the compression's checksums were compared.", "Convert it to WARC if fixity matters; keep the original."),
)  # fmt: skip

_WACZ = (
    ("wacz-zip", _E, "The package is no ZIP file that can be read.", _DAMAGED),
    ("wacz-zip-entry", _E, "An entry of the package cannot be read, or its checksum is wrong.", _DAMAGED),
    ("wacz-zip-name", _E, "An entry has a name that leads out of the package.", "Do not unpack it: it was made to harm or by mistake."),
    ("wacz-zip-twice", _E, "Two entries have the same name: programs disagree on which of them counts.", "Make the package again."),
    ("wacz-zip-bomb", _E, "An entry is larger than 64 MB unpacked where only a list is expected; it was not read.", "Look at it before you use it."),
    ("wacz-datapackage-missing", _E, "There is no datapackage.json, or it is no JSON object.", "Make the package again."),
    ("wacz-archive-empty", _E, "There is no WARC file in archive/.", "Make the package again: it holds nothing."),
    ("wacz-indexes-empty", _E, "There is no index in indexes/: players cannot find anything.", "Make the package again with an index."),
    ("wacz-pages-missing", _E, "There is no pages/pages.jsonl.", "Make the package again; an empty list needs its header line too."),
    ("wacz-zip-stored", _E, "A WARC file or a compressed index is deflated in the ZIP: players cannot read parts of it.", "Make the package again with these entries stored."),
    ("wacz-layout-foreign", _W, "There is a file in archive/, indexes/ or pages/ that does not belong there.", "Version 1.2.0 allows none."),
    ("wacz-datapackage-profile", _W, "The profile of datapackage.json is not the one of its version.", "“data-package” in 1.1.1, “wacz” in 1.2.0."),
    ("wacz-datapackage-version", _W, "The version of the package is not known.", "1.1.1 has wacz_version; 1.2.0 has the profile “wacz” and none."),
    ("wacz-datapackage-resources", _E, "datapackage.json has no list of resources.", "Make the package again."),
    ("wacz-datapackage-unlisted", _E, "A file of the package is not in the list of resources.", "Nobody can tell whether it was changed."),
    ("wacz-datapackage-absent", _E, "A resource that is listed is not in the package.", _DAMAGED),
    ("wacz-datapackage-listed-twice", _E, "A resource is listed twice.", "Make the package again."),
    ("wacz-datapackage-resource", _E, "An entry of the list of resources lacks its name, path, hash or size.", "Make the package again."),
    ("wacz-datapackage-hash", _E, "A resource is not what its hash says.", _DAMAGED),
    ("wacz-datapackage-algorithm", _W, "A hash is of an algorithm that is not known here, so that it was not checked.", "Use sha256."),
    ("wacz-datapackage-bytes", _E, "A resource has another size than is listed.", _DAMAGED),
    ("wacz-datapackage-date", _W, "The package's “created” or “modified” is no date.", "Write ISO 8601, such as 2016-08-10T20:46:23Z."),
    ("wacz-indexes-cdxj", _E, "A line of the index cannot be read.", "Make the index again."),
    ("wacz-indexes-order", _E, "The index is not sorted by its bytes: look-ups will miss captures.", "Sort it with LC_ALL=C."),
    ("wacz-indexes-idx", _E, "The secondary index does not fit the compressed one.", "Make the index again."),
    ("wacz-indexes-file", _E, "The index names a WARC file that is not in the package.", "Make the index again."),
    ("wacz-indexes-record", _E, "The index points at a place where no such record is.", "Make the index again."),
    ("wacz-indexes-unindexed", _W, "A record of a WARC file is not in the index.", "Make the index again; some tools leave out what they think unimportant."),
    ("wacz-pages-header", _E, "pages.jsonl does not begin with its header line.", "The first line has format and id."),
    ("wacz-pages-page", _E, "A line of a list of pages is no page with url and ts.", "Make the list again."),
    ("wacz-pages-unheld", _W, "A page of the list has no capture in the index.", "Players will show an error for it."),
    ("wacz-digest-digest", _E, "datapackage.json is not what datapackage-digest.json says.", _DAMAGED),
    ("wacz-digest-missing", _N, "There is no datapackage-digest.json: nobody can tell whether the list of hashes was changed.", "Make the package again with it."),
    ("wacz-digest-form", _E, "datapackage-digest.json cannot be read.", "Make the package again."),
    ("wacz-digest-signature", _E, "The signature does not fit what it signs.", "Somebody changed the package or its signature."),
    ("wacz-digest-unverified", _N, "The package is signed in a way that cannot be verified without asking others.", "Ask the signer, or a verifier that you trust."),
)  # fmt: skip

_ARCHIVE = (
    ("file-missing", _E, "A file that the database knows is not there.", "Put it back; its captures cannot be shown."),
    ("file-unknown", _W, "A file in the archive's folder is in no index: nobody will find what is in it.", "Import it, or rebuild the index."),
    ("file-size", _E, "The file has another size than the database noted when it was finished.", _DAMAGED),
    ("file-digest", _E, "The file is not what the digest in the database says.", _DAMAGED),
    ("file-no-digest", _N, "The database has no digest of the file: only what is written inside it was compared.", "It is noted when the file is indexed anew."),
    ("file-parts", _E, "The number or the dates of a file's captures are not what the database noted.", "Rebuild the index."),
    ("file-unreadable", _E, "The file cannot be read.", "Look at its permissions, and at the disk."),
    ("index-no-record", _E, "The index points at a place where no record begins.", "Rebuild the index."),
    ("index-url", _E, "The index has another URL than the record it points at.", "Rebuild the index."),
    ("index-key", _E, "The index has the capture under another key than its URL's.", "Rebuild the index."),
    ("index-date", _E, "The index has another date than the record it points at.", "Rebuild the index."),
    ("index-status", _E, "The index has another HTTP status than the record it points at.", "Rebuild the index."),
    ("index-digest", _E, "The index has another digest than the record it points at.", "Rebuild the index."),
    ("index-length", _E, "The index has another length than the record it points at.", "Rebuild the index."),
    ("index-kind", _E, "The index takes a revisit for a capture of its own, or the other way round.", "Rebuild the index."),
    ("index-unindexed", _E, "A record that can be looked up is not in the index.", "Rebuild the index."),
    ("index-revisit", _W, "A revisit repeats a capture that is not in the archive, or not where it says.", "Replay has no payload for it unless the digest is held elsewhere."),
    ("index-crawl", _E, "A crawl's list of URLs names a place where no record of that URL is.", "The file was changed or replaced after the crawl."),
    ("index-crawl-file", _W, "A crawl's file is longer than what the crawl has taken in.", "Resume the crawl: it takes in what a crash left."),
    ("index-payload", _W, "The memory of payloads refers to a capture that the index does not have: revisits would point nowhere.", "Rebuild the index."),
    ("index-validator", _W, "The memory of what servers can be asked refers to a capture that the index does not have.", "Rebuild the index."),
)  # fmt: skip

#: Every rule by its id, in the order of the standard.
RULES: dict[str, Rule] = {entry[0]: Rule(*entry) for entry in (*_TABLE, *_WACZ, *_ARCHIVE)}


@dataclass(frozen=True, slots=True)
class Finding:
    """That a rule is broken somewhere.

    Attributes:
        rule: its id.
        offset: of the record, in the file as stored; -1 for the file as a whole.
        detail: what is there, one line; "" when the rule says it all.
        subject: URL or identifier of the record, or the entry of a package.
    """

    rule: str
    offset: int
    detail: str = ""
    subject: str = ""

    @property
    def severity(self) -> Severity:
        """Of the rule."""
        return RULES[self.rule].severity
