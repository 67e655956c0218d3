<?php
// Opens a session for a user, looks at it and closes it. Run it beside `dingmock serve`:
//
//     php examples/php/session.php
//
// DINGTALK_BASE_URL, DINGTALK_APPKEY and DINGTALK_APPSECRET say where to and who as. It ends with status 1 and one
// line on stderr where any call is not answered with errcode 0.
declare(strict_types=1);

function setting(string $name, string $default): string
{
    $value = getenv($name);
    return $value === false || $value === '' ? $default : $value;
}

// One call of the platform: a GET, or a POST of $body as JSON. Whatever is not a JSON object with errcode 0 throws.
function call(string $path, array $query, ?array $body = null): array
{
    $http = ['ignore_errors' => true, 'timeout' => 10, 'header' => 'Accept: application/json'];
    if ($body !== null) {
        $http['method'] = 'POST';
        $http['header'] = 'Content-Type: application/json';
        $http['content'] = json_encode($body, JSON_THROW_ON_ERROR);
    }
    $url = rtrim(setting('DINGTALK_BASE_URL', 'http://127.0.0.1:8080'), '/') . $path . '?' . http_build_query($query);
    $reply = @file_get_contents($url, false, stream_context_create(['http' => $http]));
    if ($reply === false) {
        throw new RuntimeException("$path: no answer");
    }
    $fields = json_decode($reply, true);
    if (!is_array($fields) || !isset($fields['errcode'])) {
        throw new RuntimeException("$path: the answer is not what the platform sends");
    }
    if ($fields['errcode'] !== 0) {
        throw new RuntimeException("$path: errcode {$fields['errcode']}: {$fields['errmsg']}");
    }
    return $fields;
}

function main(): void
{
    $appkey = setting('DINGTALK_APPKEY', 'dingmockapp');
    $appsecret = setting('DINGTALK_APPSECRET', 'dingmockappsecret');
    $user = 'u-php';
    $wanted = ['session_id' => 's-php', 'app_key' => $appkey, 'chatid' => '', 'user_id' => $user];

    $token = call('/gettoken', ['appkey' => $appkey, 'appsecret' => $appsecret])['access_token'];
    $auth = ['access_token' => $token];
    $current = fn (): ?array => call('/topapi/v2/user/getsession', $auth, ['userid' => $user])['result']['session'];

    echo 'before: ', $current()['session_id'] ?? 'no session', "\n";
    echo 'opened: ', call('/topapi/v2/im/create_session', $auth, $wanted)['result']['session_id'], "\n";
    $session = $current();
    if ($session === null || $session['session_id'] !== $wanted['session_id']) {
        throw new RuntimeException('the session that was opened is not the current one');
    }
    echo 'current: ', $session['session_id'], ' of ', $session['user_id'], "\n";
    if (call('/topapi/v2/im/close_session', $auth, $wanted)['success'] !== true) {
        throw new RuntimeException('the session was not closed');
    }
    echo 'after: ', $current()['session_id'] ?? 'no session', "\n";
}

try {
    main();
} catch (Throwable $e) {
    fwrite(STDERR, $e->getMessage() . "\n");
    exit(1);
}
