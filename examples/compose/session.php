<?php
// A program that knows the platform by its real address alone, and calls it by PHP's own streams, which go through no
// proxy: it reaches a fake by its name in the network.
declare(strict_types=1);

const PLATFORM = 'https://oapi.dingtalk.com';

function ask(string $path, array $query, ?array $body = null): array
{
    $http = $body === null ? [] : ['method' => 'POST', 'header' => 'Content-Type: application/json', 'content' => json_encode($body)];
    $reply = file_get_contents(PLATFORM . $path . '?' . http_build_query($query), false, stream_context_create(['http' => $http]));
    $answer = json_decode((string) $reply, true);
    if (($answer['errcode'] ?? null) !== 0) {
        fwrite(STDERR, "$path: " . ($reply ?: 'no answer') . "\n");
        exit(1);
    }
    return $answer;
}

$token = ['access_token' => ask('/gettoken', ['appkey' => 'mock-compose', 'appsecret' => 'any'])['access_token']];
$session = ['session_id' => 's-compose', 'app_key' => 'mock-compose', 'user_id' => 'u-compose'];
echo 'opened ', ask('/topapi/v2/im/create_session', $token, $session)['result']['session_id'], "\n";
$current = ask('/topapi/v2/user/getsession', $token, ['userid' => 'u-compose'])['result']['session'];
ask('/topapi/v2/im/close_session', $token, $session);
echo 'closed ', $current['session_id'], "\n";
